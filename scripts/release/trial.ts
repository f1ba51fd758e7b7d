import { existsSync } from "node:fs"
import { version } from "../../package.json"
import { portOf, startBroker } from "../executable.ts"
import { ownTarget, type Target } from "./targets.ts"

/** What became of an executable that was to run here. */
export type Trial =
  | { readonly was: "run"; readonly by: string }
  /** It could not be run here; nothing is known against it. */
  | { readonly was: "not-run"; readonly why: string }

type Runner =
  /** The words in front of the executable. */
  | { readonly is: "here"; readonly words: readonly string[]; readonly by: string }
  | { readonly is: "lacking"; readonly why: string }

/**
 * Runs an executable, if this machine can: it tells its version, and as a broker and two clients passes a message on.
 *
 * @throws Error when it runs and does not do so
 */
export async function tryOut(target: Target, executable: string): Promise<Trial> {
  const runner = runnerFor(target)
  if (runner.is === "lacking") return { was: "not-run", why: runner.why }
  const program = [...runner.words, executable]
  const told = await run([...program, "--version"])
  const missing = /^Error loading shared library (\S+):/m.exec(told.error)?.[1]
  if (missing !== undefined) return { was: "not-run", why: `${missing} for its C library is not installed` }
  if (told.out !== `bantam ${version}\n`) throw new Error(`${executable} --version: ${told.out}${told.error}`)
  await passMessageOn(program)
  return { was: "run", by: runner.by }
}

function runnerFor({ name, header }: Target): Runner {
  if (name === ownTarget().name) return { is: "here", words: [], by: "this machine" }
  const [, machine = "", loader = ""] = /^ELF (\w+), loaded by (.*)$/.exec(header) ?? []
  if (process.platform !== "linux" || machine === "") return { is: "lacking", why: "another system" }
  if (machine === process.arch) {
    if (existsSync(loader)) return { is: "here", words: [], by: `this machine with ${loader}` }
    return { is: "lacking", why: `${loader} is not installed` }
  }
  return emulator({ x64: "x86_64", arm64: "aarch64" }[machine] ?? machine, loader)
}

/** QEMU, and a C library where Debian puts those of other processors. */
function emulator(machine: string, loader: string): Runner {
  const qemu = Bun.which(`qemu-${machine}-static`) ?? Bun.which(`qemu-${machine}`)
  if (qemu === null) return { is: "lacking", why: `qemu-${machine} is not installed` }
  const folder = `/usr/${machine}-linux-gnu`
  if (!existsSync(folder + loader)) return { is: "lacking", why: `${folder}${loader} is not installed` }
  return { is: "here", words: [qemu, "-L", folder], by: `qemu-${machine}` }
}

/** Seconds that a message which is there already may take, by an emulator on a slow machine too. */
const patience = "60"

async function passMessageOn(program: readonly string[]): Promise<void> {
  const broker = await startBroker(program, { words: ["--ephemeral", "--port", "0"] })
  const port = String(portOf(broker, "tcp"))
  // Kept by the broker, so that it does not matter which of the two is there first.
  const sent = await run([...program, "pub", "-p", port, "-t", "tried", "-m", "here", "-q", "1", "-r"])
  const got = await run([...program, "sub", "-p", port, "-t", "tried", "-q", "1", "-C", "1", "-W", patience])
  const exitCode = await broker.stop()
  if (got.out !== "here\n")
    throw new Error(`${program.join(" ")}: no message came: ${sent.error}${got.error}`)
  if (exitCode !== 0) throw new Error(`${program.join(" ")}: the broker ended with ${exitCode}`)
}

async function run(command: readonly string[]): Promise<{ readonly out: string; readonly error: string }> {
  const running = Bun.spawn({ cmd: [...command], stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [out, error] = await Promise.all([running.stdout.text(), running.stderr.text()])
  return { out, error }
}
