import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { run } from "../cli/program.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { childrenOf } from "../support/processes.ts"
import { commandIn, instructionsOf, wordsOf } from "./dockerfile.ts"
import { root } from "./native-release.ts"
import { mayOverlay, type Overlay, overlay } from "./overlay.ts"

const instructions = instructionsOf(join(root, "Dockerfile"))
const [entry = ""] = wordsOf(instructions, "ENTRYPOINT")
const [command = ""] = wordsOf(instructions, "CMD")
const [health = ""] = wordsOf(instructions, "HEALTHCHECK")
const [user = ""] = wordsOf(instructions, "USER")
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
 * No engine for containers is asked for: the instructions are done over a copy of this machine's own files, without a
 * network, and the broker is process 1.
 */
describe.skipIf(!mayOverlay)("A container of it", () => {
  let image: Overlay
  beforeAll(async () => {
    image = await overlay()
    const apart = [...image.enter, "unshare", "--net"]
    for (const words of wordsOf(instructions, "RUN")) {
      expect(await run(["sh", "-c", words], { program: apart })).toMatchObject({ exitCode: 0, error: "" })
    }
    for (const words of wordsOf(instructions, "COPY")) {
      const [from = "", to = ""] = words.split(" ")
      const source = from === "${EXECUTABLE}" ? await executable() : join(root, from)
      const target = image.path(to.endsWith("/") ? to + from : to)
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(source, target)
    }
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => image.end())

  const environment = Object.fromEntries(wordsOf(instructions, "ENV").map((words) => words.split("=")))

  /** Runs what follows as its process 1. */
  function first(): readonly string[] {
    const apart = ["unshare", "--fork", "--pid", "--mount-proc", "--net", "--kill-child"]
    return [...image.enter, ...apart, "setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"]
  }

  /** Runs a command in it, as its user. */
  function inside(pid: number, words: readonly string[]) {
    const enter = ["nsenter", "--target", String(pid), "--mount", "--pid", "--net", "--root", "--wd"]
    return run(words, { program: [...enter, "--setuid=1883", "--setgid=1883"] })
  }

  test("does not serve the network before there is a user, and says how to make one", async () => {
    const { exitCode, error } = await run(serve, { program: first(), env: environment })
    expect(exitCode).toBe(1)
    expect(error).toMatch(
      /^bantam: tcp:\/\/0\.0\.0\.0:1883 can be reached .* add a user with `bantam user add NAME`/,
    )
  })

  test("is healthy while it serves, lets in who has the password alone, and ends in good order", async () => {
    const broker = await WatchedBroker.serving({
      program: [...first(), ...commandIn(entry)],
      words: commandIn(command).slice(1),
      env: { ...environment, BANTAM_ADMIN_PASSWORD: "secret" },
    })
    const [pid = 0] = childrenOf(broker.pid)
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\t1883\t1883\t1883\t1883$/m)
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m)
    expect(await inside(pid, commandIn(health))).toMatchObject({ exitCode: 0, error: "" })

    const publish = [
      "bantam",
      "pub",
      "--unix",
      "/run/bantam/health.sock",
      "-t",
      "a",
      "-m",
      "b",
      "-q",
      "1",
      "-V",
      "5",
    ]
    expect(await inside(pid, [...publish, "-u", "admin", "-P", "secret"])).toMatchObject({ exitCode: 0 })
    expect((await inside(pid, publish)).exitCode).not.toBe(0)
    expect((await inside(pid, [...publish, "-u", "admin", "-P", "wrong"])).exitCode).not.toBe(0)

    // Another user is made as in `docker exec`, and counts at once.
    const made = await run(["user", "add", "bob", "--generate"], {
      program: ["nsenter", "--target", String(pid), "--mount", "--pid", "--net", "--root", "--wd", "bantam"],
      env: environment,
    })
    expect(made).toMatchObject({ exitCode: 0 })
    expect((await inside(pid, [...publish, "-u", "bob", "-P", made.out.trim()])).error).toContain(
      "not authorized",
    )

    process.kill(pid, "SIGTERM")
    expect(await broker.ended()).toBe(0)
    expect(broker.all("more rights than a broker needs")).toEqual([])
  })
})

test("The executable asks of a system but the C library", async () => {
  const libraries = await Bun.$`ldd ${await executable()}`.text()
  const names = libraries.match(/\S+\.so\S*(?= => )/g) ?? []
  expect(names.toSorted()).toEqual(["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"])
})
