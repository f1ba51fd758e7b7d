import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/*
 * A program that is killed while it changes what is on the disk: before a certain system call of its, with the help of
 * strace, or after a time. Of a few hundred system calls each one can be tried; a moment by the clock hits the one that
 * matters only by luck.
 */

/** All by which SQLite and we change a file, or see to it that it outlives a power cut. */
const changingCalls =
  "pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,chmod,fchmod"

/** The n-th system call of this name that one thread makes, from 1. */
export interface DiskChange {
  readonly call: string
  readonly nth: number
}

export type Moment = { readonly before: DiskChange } | { readonly afterMs: number }

export interface ShortLife {
  readonly wasKilled: boolean
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined
  /** Lines on standard error. */
  readonly said: readonly string[]
  readonly lastedMs: number
}

/** False where there is no strace, or where it may not do its work. */
export async function canTrace(): Promise<boolean> {
  if (Bun.which("strace") === null) return false
  const trying = Bun.spawn([...tracing("/dev/null"), "true"], { stdout: "ignore", stderr: "ignore" })
  return (await trying.exited) === 0
}

/**
 * Runs a program to its end, or to that moment. A broker is asked to stop as soon as it serves.
 *
 * @param moment undefined: it is left alone
 */
export async function live(program: readonly string[], moment: Moment | undefined): Promise<ShortLife> {
  if (moment === undefined || "afterMs" in moment) return run(program, moment?.afterMs)
  const { call, nth } = moment.before
  return run([...tracing("/dev/null"), `--inject=${call}:signal=KILL:when=${nth}`, ...program], undefined)
}

/** Runs a program to its end. @returns every change that it made */
export async function changesOf(program: readonly string[]): Promise<DiskChange[]> {
  const folder = mkdtempSync(join(tmpdir(), "bantam-trace-"))
  try {
    const trace = join(folder, "trace")
    const { exitCode, said } = await run([...tracing(trace), ...program], undefined)
    if (exitCode !== 0) throw new Error(`it ended with ${exitCode}:\n${said.join("\n")}`)
    return changesIn(readFileSync(trace, "utf8"))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** With -D the process that is started is the program itself, and strace one of its children. */
function tracing(file: string): readonly string[] {
  return ["strace", "-D", "-f", "-qq", "-o", file, `--trace=${changingCalls}`]
}

function changesIn(trace: string): DiskChange[] {
  const counts = new Map<string, number>()
  const changes = new Map<string, DiskChange>()
  for (const [, thread = "", call = ""] of trace.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const nth = (counts.get(`${thread} ${call}`) ?? 0) + 1
    counts.set(`${thread} ${call}`, nth)
    // Whichever thread is the first to be so far is the one that is killed there.
    changes.set(`${call} ${nth}`, { call, nth })
  }
  return [...changes.values()]
}

async function run(command: readonly string[], killAfterMs: number | undefined): Promise<ShortLife> {
  const startedAt = performance.now()
  const program = Bun.spawn({
    cmd: [...command],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  })
  const killing =
    killAfterMs === undefined ? undefined : setTimeout(() => program.kill("SIGKILL"), killAfterMs)
  const said: string[] = []
  let rest = ""
  const decoder = new TextDecoder()
  // To its end: that comes when strace has written the last line of its trace.
  for await (const chunk of program.stderr) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    said.push(...lines)
    if (lines.some((line) => line.includes(`"message":"serving"`))) program.kill("SIGTERM")
  }
  await program.exited
  clearTimeout(killing)
  const wasKilled = program.signalCode === "SIGKILL"
  const exitCode = wasKilled ? undefined : (program.exitCode ?? undefined)
  return { wasKilled, exitCode, said, lastedMs: performance.now() - startedAt }
}
