import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { freshDirectory, run } from "./program.ts"

/*
 * The executable runs what it was built of and nothing else, wherever it is started and whatever the environment says.
 * docs/reliability.md lists what is left: what the system's loader and the runtime's engine do with their own variables.
 */

describe("The executable runs nothing from outside", () => {
  let program: string
  let cwd: string
  let sprung: string
  beforeAll(async () => {
    program = await executable()
    cwd = join(freshDirectory(), "traps")
    sprung = join(cwd, "..", "sprung")
    layTraps()
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => rmSync(join(cwd, ".."), { recursive: true }))

  /** A directory in which every name that a JavaScript runtime looks for holds code that leaves a mark. */
  function layTraps(): void {
    mkdirSync(join(cwd, "node_modules"), { recursive: true })
    const trap = `require("node:fs").writeFileSync(${JSON.stringify(sprung)}, "")`
    const shipped = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).dependencies as object)
    for (const name of [...shipped, "mqtt-packet", "fs", "node:fs", "bun"]) {
      mkdirSync(join(cwd, "node_modules", name), { recursive: true })
      writeFileSync(join(cwd, "node_modules", name, "index.js"), trap)
    }
    for (const name of [
      "trap.ts",
      "trap.js",
      "index.ts",
      "index.js",
      "main.ts",
      "serve",
      "bantam.ts",
      "_.js",
    ]) {
      writeFileSync(join(cwd, name), trap)
    }
    for (const place of ["cli", "src", "src/storage/sqlite"]) {
      mkdirSync(join(cwd, place), { recursive: true })
      for (const name of ["main.ts", "server.ts", "worker.ts", "worker-entry.ts"])
        writeFileSync(join(cwd, place, name), trap)
    }
    writeFileSync(
      join(cwd, "trap.mjs"),
      `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(sprung)}, "")`,
    )
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./trap.ts"]\n[test]\npreload = ["./trap.ts"]\n')
    writeFileSync(
      join(cwd, "package.json"),
      '{ "name": "trap", "main": "trap.js", "imports": { "#x": "./trap.js" } }',
    )
    writeFileSync(join(cwd, "tsconfig.json"), '{ "compilerOptions": { "paths": { "*": ["./trap.ts"] } } }')
    for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
      writeFileSync(join(cwd, name), "BANTAM_LOG_LEVEL=loud\nBUN_OPTIONS=--preload=./trap.ts\n")
    }
    // Where a relative home would be.
    copyFileSync(join(cwd, "bunfig.toml"), join(cwd, ".bunfig.toml"))
  }

  /** It starts as ever with all of these, and they do nothing. */
  const ignored = {
    BUN_BE_BUN: "1",
    BUN_INSPECT_CONNECT_TO: "tcp://127.0.0.1:9",
    BUN_INSPECT_NOTIFY: "tcp://127.0.0.1:9",
    BUN_CONFIG_PRELOAD: "./trap.ts",
    BUN_TCC_OPTIONS: "-run ./trap.ts",
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: ".",
    NODE_COMPILE_CACHE: ".",
    NODE_OPTIONS: "--require ./trap.js --import ./trap.mjs",
    NODE_PATH: "./node_modules",
    NODE_REPL_EXTERNAL_MODULE: "./trap.js",
    NODE_CHANNEL_FD: "0",
    XDG_CONFIG_HOME: ".",
    HOME: ".",
  }

  test("from the directory where it starts, nor from what the environment names", async () => {
    for (const env of [{}, ignored]) {
      const broker = await WatchedBroker.serving({
        shell: `cd '${cwd}'`,
        words: ["--port", "0", "--data", "data"],
        env,
      })
      const client = await broker.client({ clientId: "any" })
      await client.publish({ topic: "a", payload: Buffer.from("b"), qos: 1, retain: true })
      await client.disconnect()
      broker.signal("SIGHUP")
      await broker.says("reading settings")
      expect(await broker.stop()).toBe(0)
    }
    expect(existsSync(sprung)).toBe(false)
  })

  test("when it is asked to as Bun would be", async () => {
    for (const words of [["./trap.ts"], ["--eval", "require('./trap.js')"], ["install"]]) {
      const { exitCode, error } = await run(words, { program: [program], cwd, env: ignored })
      expect(exitCode).toBe(1)
      expect(error).toMatch(/^bantam: unknown (command|option) /m)
    }
    expect(existsSync(sprung)).toBe(false)
  })

  test.each([
    "--eval=require('./trap.js')",
    "--print=require('./trap.js')",
    "run ./trap.ts",
    "--cwd=. --install=force",
    "--tsconfig-override=./tsconfig.json",
    "--env-file=.env",
    "--inspect=127.0.0.1:0",
  ])("with BUN_OPTIONS=%s, which does nothing of the kind", async (BUN_OPTIONS) => {
    const words = ["doctor", "--data", "absent", "--set", "listen=tcp://127.0.0.1:0"]
    const { out } = await run(words, { program: [program], cwd, env: { BUN_OPTIONS } })
    expect(out).toContain("ok    settings")
    expect(existsSync(sprung)).toBe(false)
  })

  test.each([
    ["BUN_OPTIONS", "--preload=./trap.ts"],
    ["BUN_OPTIONS", "--preload ./trap.ts"],
    ["BUN_OPTIONS", "-r ./trap.js"],
    ["BUN_OPTIONS", "--require=./trap.js"],
    ["BUN_OPTIONS", "--import=./trap.mjs"],
    ["BUN_OPTIONS", "--config=./bunfig.toml"],
    ["BUN_OPTIONS", "-c=./bunfig.toml"],
    ["BUN_INSPECT_PRELOAD", "./trap.ts"],
    ["BUN_INSPECT_PRELOAD", "./trap.js"],
    ["BUN_INSPECT", "127.0.0.1:0"],
  ])("with %s=%s, with which it does not even start", async (name, value) => {
    const words = ["serve", "--port", "0", "--data", "data"]
    const { exitCode, error } = await run(words, { program: [program], cwd, env: { [name]: value } })
    expect(exitCode).toBe(1)
    expect(error).toMatch(/Code generation from strings disallowed|cannot be used with --disallow-code-gen/)
    expect(existsSync(sprung)).toBe(false)
  })

  test("and makes nothing but its data in the directory where it starts", () => {
    const strange = readdirSync(cwd).filter(
      (name) => !/trap|index|main|serve|bantam|_\.js|env|json|toml|^(cli|src|node_modules)$/.test(name),
    )
    expect(strange).toEqual(["data"])
  })

  test("the traps are good: Bun itself steps into them", async () => {
    await run(["./index.js"], { program: [process.execPath], cwd })
    expect(existsSync(sprung)).toBe(true)
    rmSync(sprung)
  })

  test("what the environment changes all the same is told", async () => {
    const env = { BUN_OPTIONS: "--smol", BUN_JSC_useJIT: "1", BUN_CONFIG_VERBOSE_FETCH: "curl" }
    const broker = await WatchedBroker.serving({ words: ["--ephemeral", "--port", "0"], env })
    const names = broker.all("a variable of the runtime is set").map((line) => line["name"])
    expect(names.toSorted()).toEqual(Object.keys(env).toSorted())
    expect(await broker.stop()).toBe(0)
  })

  test("whom it asks by HTTPS must show a good certificate, whatever the environment says", async () => {
    const folder = join(cwd, "..")
    const made = await run(["cert", "server", "localhost", "--dir", folder], { program: [program] })
    expect(made.exitCode).toBe(0)
    let asked = 0
    using service = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: Bun.file(join(folder, "localhost.pem")), key: Bun.file(join(folder, "localhost.key")) },
      fetch: () => {
        asked += 1
        return new Response('{"result":"allow"}')
      },
    })
    const broker = await WatchedBroker.serving({
      words: [
        "--ephemeral",
        "--port",
        "0",
        "--set",
        `http_authentication.url=https://localhost:${service.port}/`,
      ],
      env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    })
    const secret = { username: "alice", password: Buffer.from("secret") }
    await expect(broker.client({ clientId: "any", ...secret })).rejects.toThrow()
    expect(asked).toBe(0)
    expect(await broker.stop()).toBe(0)
  })
})
