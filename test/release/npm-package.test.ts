import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json"
import { readUntil, run, start } from "../cli/program.ts"
import { root } from "./native-release.ts"

/*
 * The package as npm installs it somewhere else. npm takes what the package depends on from its cache, as far as it has it.
 */

describe("The package from npm", () => {
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "bantam-npm-"))
    await Bun.$`npm pack --silent --pack-destination ${folder}`.cwd(root).quiet()
    const manifest = { private: true, type: "module", allowScripts: { bun: true } }
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
    const packed = `./bantam-mqtt-${version}.tgz`
    await Bun.$`npm install --prefer-offline --no-audit --no-fund ${packed}`.cwd(folder).quiet()
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  const npx = ["npx", "--no", "--", "bantam-mqtt"]
  const env = { HOME: process.env["HOME"] ?? "" }

  test("holds what runs and is read, and neither tests nor executables", () => {
    const installed = join(folder, "node_modules/bantam-mqtt")
    expect(readdirSync(installed).toSorted()).toEqual(
      ["LICENSE", "README.md", "cli", "dist", "npm", "package.json", "src"].toSorted(),
    )
    expect(readdirSync(join(installed, "dist"))).toEqual(["types"])
  })

  test("serves by npx, passes messages on, and ends as it is told to", async () => {
    expect(await run(["--version"], { program: npx, cwd: folder, env })).toEqual({
      exitCode: 0,
      out: `bantam ${version}\n`,
      error: "",
    })
    // Not by npx, which need not pass a signal on: this is what it runs.
    const program = [join(folder, "node_modules/.bin/bantam")]
    const broker = start(["serve", "--ephemeral", "--port", "0"], { program, cwd: folder, env })
    const [, port = ""] = /tcp:.*:(\d+)\n/.exec(await readUntil(broker.stdout, "memory")) ?? []
    const publish = ["pub", "-p", port, "-t", "kept", "-m", "here", "-q", "1", "-r"]
    expect(await run(publish, { program: npx, cwd: folder, env })).toMatchObject({ exitCode: 0, error: "" })
    const subscribe = ["sub", "-p", port, "-t", "kept", "-C", "1"]
    expect(await run(subscribe, { program: npx, cwd: folder, env })).toMatchObject({ out: "here\n" })
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
  })

  test("ends as the program does, with its exit code and its words", async () => {
    expect(await run(["serv"], { program: npx, cwd: folder, env })).toEqual({
      exitCode: 1,
      out: "",
      error: "bantam: unknown command 'serv' (Did you mean serve?)\n",
    })
  })

  test("runs nothing that lies in the folder where it is called", async () => {
    const cwd = join(folder, "hostile")
    mkdirSync(cwd)
    const trap = join(cwd, "trapped")
    writeFileSync(join(cwd, "trap.ts"), `require("node:fs").writeFileSync(${JSON.stringify(trap)}, "")`)
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./trap.ts"]\n')
    writeFileSync(join(cwd, ".env"), "BANTAM_LOG_LEVEL=loud\n")
    const program = [join(folder, "node_modules/.bin/bantam")]
    const broker = start(["serve", "--ephemeral", "--port", "0"], { program, cwd, env })
    await readUntil(broker.stdout, "memory")
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(existsSync(trap)).toBe(false)
  })

  test("is a library in Bun, whose types a strict checker takes", async () => {
    writeFileSync(
      join(folder, "broker.ts"),
      `import { startBroker, type RunningBroker } from "bantam-mqtt"
const broker: RunningBroker = await startBroker({ log: "none", settings: { "limits.connections": 5 } })
const port: number = broker.port
console.log(port > 0, broker.url.startsWith("mqtt://127.0.0.1:"))
await broker.stop()
`,
    )
    const bun = { program: [process.execPath, "broker.ts"], cwd: folder }
    expect(await run([], bun)).toEqual({ exitCode: 0, out: "true true\n", error: "" })
    const tsc = join(root, "node_modules/.bin/tsc")
    const check = (file: string) =>
      run(["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext", "--types", "", file], {
        program: [tsc],
        cwd: folder,
        env,
      })
    writeFileSync(join(folder, "console.d.ts"), "declare const console: { log(...words: unknown[]): void }\n")
    writeFileSync(
      join(folder, "wrong.ts"),
      'import { startBroker } from "bantam-mqtt"\nawait startBroker({ listen: 5 })\n',
    )
    expect(await check("broker.ts")).toEqual({ exitCode: 0, out: "", error: "" })
    expect((await check("wrong.ts")).out).toContain(
      "Type 'number' is not assignable to type 'readonly string[]'",
    )
  })

  test("tells Node that it is no library for it", async () => {
    const { exitCode, error } = await run(["--eval", 'import("bantam-mqtt")'], {
      program: ["node"],
      cwd: folder,
      env,
    })
    expect(exitCode).toBe(1)
    expect(error).toContain(
      "Error: bantam-mqtt is a library for Bun; Node can start the program: npx bantam-mqtt serve",
    )
  })
})
