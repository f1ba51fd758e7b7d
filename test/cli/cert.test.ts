import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "../../src/transport/connect.ts"
import { Recorder } from "../transport/recorder.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"

let cwd: string
beforeEach(() => {
  cwd = freshDirectory()
})
afterEach(() => rmSync(cwd, { recursive: true }))

const cert = (...words: readonly string[]) => run(["cert", ...words], { cwd })

describe("bantam cert", () => {
  test("makes the authority with the first server, says so, and prints settings that a broker takes", async () => {
    const { exitCode, out } = await cert("server", "localhost", "127.0.0.1")
    expect(exitCode).toBe(0)
    expect(out).toStartWith(`There is no authority in ${cwd} yet, so here is one.\n`)
    for (const name of ["ca.pem", "ca.key", "localhost.pem", "localhost.key"]) {
      expect(out).toContain(join(cwd, name))
      expect(existsSync(join(cwd, name))).toBe(true)
    }
    const settings = out.slice(out.indexOf("[tls]")).replace(/^ +(# )?(?=[a-z_]+ =)/gm, "")
    writeFileSync(join(cwd, "bantam.toml"), `listen = ["tls://127.0.0.1:0"]\n${settings}`)
    expect((await run(["config", "check", "bantam.toml"], { cwd })).out).toBe("bantam.toml is valid\n")
  })

  test("makes an authority of a name and an age, and issues in another folder", async () => {
    expect((await cert("ca", "--name", "My home CA", "--dir", "pki", "--days", "10")).exitCode).toBe(0)
    expect((await cert("client", "sensor-7", "--dir", "pki")).out).toStartWith("client       ")
    expect(readdirSync(join(cwd, "pki")).toSorted()).toEqual([
      "ca.key",
      "ca.pem",
      "crl.pem",
      "sensor-7.key",
      "sensor-7.pem",
    ])
    const { out } = await cert("show", "pki/sensor-7.pem", "--json")
    expect(JSON.parse(out)).toMatchObject([{ subject: "CN=sensor-7", issuer: "CN=My home CA" }])
    const shown = (await cert("show", "pki/ca.pem")).out
    expect(shown).toMatch(
      /^subject +CN=My home CA\nissuer +CN=My home CA\nvalid .+\nserial .+\nsha256 .+\nauthority +yes\n$/,
    )
  })

  test("revokes, once", async () => {
    await cert("client", "a")
    const before = readFileSync(join(cwd, "crl.pem"), "utf8")
    expect((await cert("revoke", "a.pem")).out).toStartWith(
      `a.pem is revoked: ${join(cwd, "crl.pem")} says so\n`,
    )
    expect(readFileSync(join(cwd, "crl.pem"), "utf8")).not.toBe(before)
    expect(await cert("revoke", "a.pem")).toEqual({
      exitCode: 1,
      out: "",
      error: "bantam: a.pem: it is revoked already\n",
    })
  })

  test("revokes at the same time as others do, and none is lost", async () => {
    const names = ["a", "b", "c", "d"]
    for (const name of names) await cert("client", name)
    const outcomes = await Promise.all(names.map((name) => cert("revoke", `${name}.pem`)))
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
    const again = await Promise.all(names.map((name) => cert("revoke", `${name}.pem`)))
    expect(again.map(({ error }) => error)).toEqual(
      names.map((name) => `bantam: ${name}.pem: it is revoked already\n`),
    )
  })

  test.each([
    [["server", "not a host"], "is no host name and no IP address"],
    [["server"], "missing required argument 'host'"],
    [["client", "a", "--days", "0"], "It must be a whole number from 1 to 36500"],
    [["revoke", "a.pem"], "ca.pem does not exist; make an authority with `bantam cert ca`"],
    [["show", "absent.pem"], "absent.pem: cannot open (no such file or directory)"],
  ])("%j is refused in one line", async (words, why) => {
    const { exitCode, error } = await cert(...words)
    expect(exitCode).toBe(1)
    expect(error).toContain(why)
    expect(error).toMatch(/^bantam: [^\n]+\n$/)
  })
})

describe("bantam serve --tls-self-signed", () => {
  /** @returns what the broker says of its address and CA file, once a client has come in */
  async function served(words: readonly string[]): Promise<{ readonly caFile: string }> {
    const broker = start(["serve", "--tls-self-signed", "--listen", "tls://127.0.0.1:0", ...words], { cwd })
    const block = await readUntil(broker.stdout, "-t '#' -v")
    const [, port, caFile = ""] = /127\.0\.0\.1:(\d+)[^]*clients trust (\S+),/.exec(block) ?? []
    for (const host of ["localhost", "127.0.0.1"]) {
      const socket = await connect(
        { scheme: "tls", host, port: Number(port), tls: { caFile } },
        new Recorder(),
      )
      socket.terminate()
    }
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    return { caFile }
  }

  test("makes a certificate once, in the data directory", async () => {
    const { caFile } = await served(["--data", "data"])
    expect(caFile).toBe(join(cwd, "data/tls/ca.pem"))
    const made = () =>
      ["ca.pem", "localhost.pem"].map((name) => readFileSync(join(cwd, "data/tls", name), "utf8"))
    const first = made()
    await served(["--data", "data"])
    expect(made()).toEqual(first)
  }, 20_000)

  test("makes another of the same authority for another name", async () => {
    await served(["--data", "data"])
    const read = (name: string) => readFileSync(join(cwd, "data/tls", name), "utf8")
    const [authority, server] = ["ca.pem", "localhost.pem"].map(read)
    await served(["--data", "data", "--listen", "tls://127.0.0.2:0"])
    expect(read("ca.pem")).toBe(authority ?? "")
    expect(read("localhost.pem")).not.toBe(server ?? "")
  }, 20_000)

  test("leaves nothing behind when everything is in memory", async () => {
    const { caFile } = await served(["--ephemeral"])
    expect(existsSync(caFile)).toBe(false)
    expect(readdirSync(cwd)).toEqual([])
  })
})
