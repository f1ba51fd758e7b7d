import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { run } from "../cli/program.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { childrenOf } from "../support/processes.ts"
import { commandIn, instructionsOf, wordsOf } from "./dockerfile.ts"
import { root } from "./native-release.ts"

const instructions = instructionsOf(join(root, "Dockerfile"))
const [entry = ""] = wordsOf(instructions, "ENTRYPOINT")
const [command = ""] = wordsOf(instructions, "CMD")
const [health = ""] = wordsOf(instructions, "HEALTHCHECK")
const serve = [...commandIn(entry), ...commandIn(command)]

describe("The Dockerfile", () => {
  test("takes one base image by its version, and nothing else from anywhere", () => {
    expect(wordsOf(instructions, "FROM")).toEqual(["debian:bookworm-slim"])
    expect(wordsOf(instructions, "ADD")).toEqual([])
    expect(instructions.map(({ words }) => words).join("\n")).not.toMatch(/https?:|apt|curl|wget|npm|--from/)
  })

  test("ends as a user who is not root, with commands that need no shell and a health check", () => {
    expect(wordsOf(instructions, "USER")).toEqual(["bantam"])
    expect(serve).toEqual(["bantam", "serve", "--config", "/etc/bantam/bantam.toml"])
    expect(commandIn(health).slice(0, 3)).toEqual(["bantam", "check", "--quick"])
    expect(wordsOf(instructions, "VOLUME")).toEqual(["/var/lib/bantam"])
    expect(wordsOf(instructions, "EXPOSE")).toEqual(["1883"])
  })

  test("copies what .dockerignore lets through, and the build makes", () => {
    const [, ...let_through] = readFileSync(join(root, ".dockerignore"), "utf8").trim().split("\n")
    const copied = wordsOf(instructions, "COPY").flatMap((words) => words.split(" ").slice(0, -1))
    expect(copied.map((path) => `!${path.replace("${EXECUTABLE}", "dist/bantam")}`).toSorted()).toEqual(
      let_through.filter((line) => line !== "!dist/executables").toSorted(),
    )
  })
})

/*
 * No engine for containers is asked for: the instructions are done over this machine's own files, of which they change a
 * copy in memory that nobody else sees. There is no network, and the broker is process 1.
 */

const apart = ["unshare", "--fork", "--pid", "--mount", "--net", "--kill-child"]

/** Makes a container in the folder $0, runs what $1 says in it, puts the files there, and becomes the command. */
const build = `set -e
mount -t tmpfs none "$0"
cd "$0"
mkdir upper work root
mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
chroot root sh -ec "$1"
cp "$2" root/usr/bin/bantam
mkdir -p root/etc/bantam
cp "$3" root/etc/bantam/bantam.toml
shift 3
exec chroot --userspec=bantam:bantam root "$@"`

const mayOverlay =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  Bun.spawnSync([
    ...apart,
    "sh",
    "-ec",
    build,
    tmpdir(),
    "groupadd bantam; useradd -g bantam bantam",
    "/bin/true",
    "/bin/true",
    "true",
  ]).success

describe.skipIf(!mayOverlay)("A container of it", () => {
  let folder: string
  let program: readonly string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "bantam-container-"))
    const prepare = wordsOf(instructions, "RUN").join("\n")
    const files = [await executable(), join(root, "packaging/container.toml")]
    program = [...apart, "sh", "-c", build, folder, prepare, ...files, ...commandIn(entry)]
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => rmSync(folder, { recursive: true }))

  const environment = Object.fromEntries(wordsOf(instructions, "ENV").map((words) => words.split("=")))

  /** Its command, with the environment of a container that somebody runs. */
  function container(env: Readonly<Record<string, string>>): Promise<WatchedBroker> {
    const [, ...words] = commandIn(command)
    return WatchedBroker.launch({ program, words, env: { ...environment, ...env } })
  }

  /** Runs a command in it, as its user. */
  function inside(pid: number, words: readonly string[]) {
    const enter = ["nsenter", "--target", String(pid), "--mount", "--pid", "--net", "--root", "--wd"]
    const [first = "", ...rest] = words
    return run(rest, { program: [...enter, "--setuid=1883", "--setgid=1883", first] })
  }

  test("is healthy while it serves, lets in who has the password alone, and ends in good order", async () => {
    const broker = await container({ BANTAM_ADMIN_PASSWORD: "secret" })
    await broker.says("serving")
    const [pid = 0] = childrenOf(broker.pid)
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\t1883\t1883\t1883\t1883$/m)
    expect(await inside(pid, commandIn(health))).toMatchObject({ exitCode: 0, error: "" })

    const publish = ["bantam", "pub", "--unix", "/run/bantam/health.sock", "-t", "a", "-m", "b", "-q", "1"]
    expect(await inside(pid, [...publish, "-u", "admin", "-P", "secret"])).toMatchObject({ exitCode: 0 })
    expect((await inside(pid, publish)).exitCode).not.toBe(0)
    expect((await inside(pid, [...publish, "-u", "admin", "-P", "wrong"])).exitCode).not.toBe(0)

    process.kill(pid, "SIGTERM")
    expect(await broker.ended()).toBe(0)
    expect(broker.all("more rights than a broker needs")).toEqual([])
  })

  test("does not serve the network before there is a user, and says how to make one", async () => {
    const refused = await container({})
    expect(await refused.ended()).toBe(1)
  })

  test("does with what the executable asks of a system: the C library", async () => {
    const libraries = await Bun.$`ldd ${await executable()}`.text()
    const names = libraries.match(/\S+\.so\S*(?= => )/g) ?? []
    expect(names.toSorted()).toEqual(["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"])
  })
})
