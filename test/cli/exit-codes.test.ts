import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startBroker } from "bantam-mqtt"
import { CertificateAuthority } from "../support/certificates.ts"
import { freshDirectory, fromSource, readUntil, run, start } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

/* docs/exit-codes.md, held against what the commands do: its common rows, in its order. */

const table = readFileSync(new URL("../../docs/exit-codes.md", import.meta.url), "utf8")

/** The codes that the page names for a command. */
function codesOf(command: string): readonly string[] {
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
  const from = rows.findIndex(([, names = ""]) => names.includes(`\`${command}\``))
  if (from < 0) throw new Error(`${command} stands in no row`)
  const length = rows.slice(from + 1).findIndex(([, names]) => names !== "")
  return rows.slice(from, length < 0 ? undefined : from + 1 + length).map(([, , code = ""]) => code)
}

describe("docs/exit-codes.md holds", () => {
  let broker: Awaited<ReturnType<typeof startBroker>>
  let closed: Awaited<ReturnType<typeof startBroker>>
  let encrypted: Awaited<ReturnType<typeof startBroker>>
  const authority = new CertificateAuthority()
  let cwd: string
  beforeAll(async () => {
    const { certFile, keyFile } = authority.server()
    const settings = { "tls.cert_file": certFile, "tls.key_file": keyFile }
    encrypted = await startBroker({ listen: ["tls://127.0.0.1:0"], settings, log: "none" })
    broker = await startBroker({ settings: { "mqtt.maximum_qos": 1 }, log: "none" })
    closed = await startBroker({ settings: { "security.allow_anonymous": false }, log: "none" })
  })
  afterAll(async () => {
    await broker.stop()
    await closed.stop()
    await encrypted.stop()
    rmSync(authority.folder, { recursive: true })
  })
  beforeEach(() => {
    cwd = freshDirectory()
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  const at = (port: number) => ["-h", "127.0.0.1", "-p", String(port)]
  async function code(...words: readonly string[]): Promise<number> {
    return (await run(words, { cwd })).exitCode
  }

  test("for pub, sub and rr", async () => {
    for (const client of ["pub", "sub", "rr"]) {
      expect(codesOf(client)).toEqual(["0", "1", "1 to 5", "2", "7", "8", "14", "19", "27", "from 128"])
    }
    const here = at(broker.port)
    expect(await code("pub", ...here, "-t", "t", "-m", "m")).toBe(0)
    expect(await code("pub", ...here, "-t", "#", "-m", "m")).toBe(1)
    expect(await code("pub", ...at(closed.port), "-t", "t", "-m", "m")).toBe(5)
    expect(await code("pub", ...at(closed.port), "-t", "t", "-m", "m", "-V", "5")).toBe(135)
    expect(await code("sub", ...at(1), "-t", "t")).toBe(14)
    expect(await code("sub", ...here, "-t", "t", "-W", "1")).toBe(27)
    expect(await code("sub", ...at(encrypted.port), "-t", "t", "--tls-use-os-certs")).toBe(8)
    const closing: Script = () => ["close"]
    using server = startScripted(4, closing)
    expect(await code("sub", ...server.flags, "-t", "t")).toBe(7)
  })

  test("for run", async () => {
    expect(codesOf("run")).toEqual(["any", "126", "127"])
    expect(await code("run", "--", "sh", "-c", "exit 7")).toBe(7)
    expect(await code("run", "--", "sh", "-c", "kill -TERM $$")).toBe(128 + 15)
    writeFileSync(join(cwd, "text"), "")
    expect(await code("run", "--", "./text")).toBe(126)
    expect(await code("run", "--", "no-such-command")).toBe(127)
  })

  test("for check and test", async () => {
    for (const command of ["check", "test"]) expect(codesOf(command)).toEqual(["0", "1"])
    expect(await code("check", "--quick", broker.url)).toBe(0)
    expect(await code("check", "--quick", closed.url)).toBe(1)
    expect(await code("check", broker.url, "--require", "qos-2")).toBe(1)
    const scenario = (payload: string) =>
      `steps:\n  - connect: a\n  - subscribe: a\n    to: t\n  - publish: a\n    topic: t\n    payload: on\n` +
      `  - expect: a\n    payload: ${payload}\n    within: 1s\n`
    writeFileSync(join(cwd, "good.yaml"), scenario("on"))
    writeFileSync(join(cwd, "bad.yaml"), scenario("other"))
    expect(await code("test", "good.yaml")).toBe(0)
    expect(await code("test", "bad.yaml")).toBe(1)
  })

  test("for acl, config and doctor", async () => {
    for (const command of ["acl check", "acl test", "config check", "doctor"]) {
      expect(codesOf(command)).toEqual(["0", "1"])
    }
    const data = ["--data", "data"]
    await run(["acl", "allow", "everyone", "publish", "a", ...data], { cwd })
    expect(await code("acl", "check", "ann", "publish", "a", ...data)).toBe(0)
    expect(await code("acl", "check", "ann", "publish", "b", ...data)).toBe(1)
    writeFileSync(join(cwd, "expectations"), "ann may publish b\n")
    expect(await code("acl", "test", "expectations", ...data)).toBe(1)
    writeFileSync(join(cwd, "good.toml"), "")
    writeFileSync(join(cwd, "bad.toml"), "nonsense = 1\n")
    expect(await code("config", "check", "good.toml")).toBe(0)
    expect(await code("config", "check", "bad.toml")).toBe(1)
    expect(await code("doctor", "--config", "bad.toml")).toBe(1)
  })

  test("for serve, and at Ctrl-C", async () => {
    expect(codesOf("serve")).toEqual(["0", "1"])
    expect(await code("serve", "--ephemeral", "--port", String(broker.port))).toBe(1)
    const following = [
      { words: ["serve", "--ephemeral", "--port", "0"], sign: "data" },
      { words: ["sub", ...at(broker.port), "-t", "ready", "-v"], sign: "ready" },
    ]
    for (const { words, sign } of following) {
      const running = start(words, { cwd })
      if (words[0] === "sub") await code("pub", ...at(broker.port), "-t", "ready", "-m", "on", "-r")
      await readUntil(running.stdout, sign)
      running.kill("SIGINT")
      expect(await running.exited).toBe(0)
      expect(await running.stderr.text()).not.toContain("    at ")
    }
    await run(["acl", "allow", "everyone", "both", "a", "--data", "data"], { cwd })
    const follow = start(["audit", "--follow", "--data", "data"], { cwd })
    await readUntil(follow.stdout, "rule added")
    follow.kill("SIGINT")
    expect(await follow.exited).toBe(0)
    expect(await follow.stderr.text()).toBe("")
  })

  test("for a command that has no end of its own: it is the signal's", async () => {
    const publishing = Bun.spawn({
      cmd: [...fromSource, "pub", ...at(broker.port), "-t", "t", "-l", "-d"],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      cwd,
    })
    publishing.stdin.write("one\n")
    publishing.stdin.flush()
    await readUntil(publishing.stdout, "PUBLISH")
    publishing.kill("SIGINT")
    await publishing.exited
    expect(publishing.signalCode === "SIGINT" || publishing.exitCode === 130).toBe(true)
    expect(await publishing.stderr.text()).not.toContain("    at ")
  })
})
