import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { version } from "../../package.json"
import { build } from "../../scripts/build.ts"
import { freshDirectory, readUntil, run, start, type Surroundings } from "./program.ts"

describe("The executable", () => {
  let directory: string
  let compiled: Surroundings
  beforeAll(async () => {
    directory = freshDirectory()
    await build({ outfile: join(directory, "bantam") })
    compiled = { program: [join(directory, "bantam")] }
  }, 60_000)
  afterAll(() => rmSync(directory, { recursive: true }))

  test("tells its version", async () => {
    expect(await run(["--version"], compiled)).toEqual({ exitCode: 0, out: `bantam ${version}\n`, error: "" })
  })

  test("without a word tells what it can do", async () => {
    const { exitCode, out } = await run([], compiled)
    expect(exitCode).toBe(0)
    for (const command of ["serve", "sub", "help"])
      expect(out).toMatch(new RegExp(`^  bantam ${command} `, "m"))
  })

  test("guesses which command was meant", async () => {
    expect(await run(["serv"], compiled)).toEqual({
      exitCode: 1,
      out: "",
      error: "bantam: unknown command 'serv' (Did you mean serve?)\n",
    })
    expect((await run(["user", "ad", "x"], compiled)).error).toBe(
      "bantam: unknown command 'ad' (Did you mean add?)\n",
    )
    expect((await run(["--frobnicate"], compiled)).error).toBe(
      "bantam: unknown option '--frobnicate'; see bantam --help\n",
    )
  })

  test.each(["pub", "sub", "rr"])("by a link called mosquitto_%s is that client", async (client) => {
    const link = join(directory, `mosquitto_${client}`)
    symlinkSync("bantam", link)
    expect(await run(["--version"], { program: [link] })).toEqual({
      exitCode: 1,
      out: `mosquitto_${client} of bantam ${version}\n`,
      error: "",
    })
    expect(await run(["serve"], { program: [link] })).toEqual({
      exitCode: 1,
      out: "",
      error: `Error: Unknown option 'serve'.\n\nUse 'mosquitto_${client} --help' to see usage.\n`,
    })
  })

  test("runs nothing that lies in the directory where it starts", async () => {
    const cwd = join(directory, "hostile")
    mkdirSync(cwd)
    const trap = join(cwd, "trapped")
    writeFileSync(join(cwd, "trap.ts"), `require("node:fs").writeFileSync(${JSON.stringify(trap)}, "")`)
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./trap.ts"]\n')
    writeFileSync(join(cwd, ".env"), "BANTAM_LOG_LEVEL=loud\n")
    const broker = start(["serve", "--port", "0", "--data", "data"], { ...compiled, cwd })
    await readUntil(broker.stdout, "data")
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(existsSync(trap)).toBe(false)
    expect(readdirSync(cwd).toSorted()).toEqual([".env", "bunfig.toml", "data", "trap.ts"])
  })

  test("makes certificates, whose library wants its imports in order", async () => {
    const made = await run(["cert", "server", "localhost", "--dir", join(directory, "pki")], compiled)
    expect(made).toMatchObject({ exitCode: 0, error: "" })
  })

  test("keeps users in a store that it serves", async () => {
    const data = join(directory, "data")
    expect((await run(["user", "add", "alice", "--generate", "--data", data], compiled)).exitCode).toBe(0)
    const broker = start(["serve", "--listen", "tcp://0.0.0.0:0", "--data", data], compiled)
    await readUntil(broker.stdout, "data")
    expect((await run(["user", "remove", "alice", "--data", data], compiled)).exitCode).toBe(0)
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
  })
})
