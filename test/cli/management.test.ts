import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { once } from "node:events"
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { type Client, connectClient } from "../../src/client/client.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { freshDirectory, fromSource, readUntil, run } from "./program.ts"

let directory: string
beforeEach(() => {
  directory = freshDirectory()
})
afterEach(() => rmSync(directory, { recursive: true }))

/** A broker with its data on disk, in a process of its own. */
async function serve(...words: readonly string[]) {
  const running = Bun.spawn({
    cmd: [...fromSource, "serve", "--data", directory, "--port", "0", ...words],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
    stdout: "pipe",
    stderr: "ignore",
  })
  const said = await readUntil(running.stdout, "data ")
  const port = Number(/tcp:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1])
  return {
    port,
    async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
      running.kill(signal)
      await running.exited
    },
    async [Symbol.asyncDispose]() {
      await this.end("SIGKILL")
    },
  }
}

const forEver = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } } as const

/** A client of MQTT 5 whose session stays. */
function clientAt(port: number, clientId: string): Promise<Client> {
  return connectClient({ scheme: "tcp", host: "127.0.0.1", port }, { version: 5, clientId, ...forEver })
}

const bantam = (...words: readonly string[]) => run([...words, "--data", directory])
const json = async (...words: readonly string[]): Promise<unknown> =>
  JSON.parse((await bantam(...words, "--json")).out)

const retained = (client: Client, topic: string, text: string) =>
  client.publish({ topic, payload: Buffer.from(text), qos: 1, retain: true })

describe("the admin socket", () => {
  const path = () => join(directory, "admin.sock")

  test("is its owner's alone, and gone when the broker is", async () => {
    await using broker = await serve()
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    expect(await bantam("status")).toMatchObject({ exitCode: 0, error: "" })
    await broker.end("SIGTERM")
    expect(existsSync(path())).toBe(false)
    expect(await bantam("status")).toEqual({
      exitCode: 1,
      out: "",
      error:
        `bantam: no broker answers at ${path()} (data directory ${directory}); ` +
        "start one with `bantam serve`, or name its directory with --data\n",
    })
  })

  test("that a killed broker left is replaced by the next", async () => {
    await (await serve()).end("SIGKILL")
    expect(existsSync(path())).toBe(true)
    await using _ = await serve()
    expect(await bantam("status")).toMatchObject({ exitCode: 0 })
  })

  test("is no web page's to ask", async () => {
    await using _ = await serve()
    const ask = (headers: Record<string, string>) =>
      fetch("http://localhost/v1/status", { unix: path(), headers })
    expect((await ask({})).status).toBe(200)
    expect((await ask({ origin: "https://example.org" })).status).toBe(403)
    expect((await ask({ host: "example.org" })).status).toBe(421)
  })

  test("that a path would be too long for is told of, and the broker serves without", async () => {
    const deep = join(directory, "x".repeat(100))
    const running = Bun.spawn({
      cmd: [...fromSource, "serve", "--data", deep, "--port", "0"],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdout: "pipe",
      stderr: "pipe",
    })
    await readUntil(running.stdout, "data ")
    running.kill()
    await running.exited
    expect(await running.stderr.text()).toContain("there is no admin socket")
    expect(existsSync(join(deep, "admin.sock"))).toBe(false)
  })

  test("is where management.socket says, or nowhere", async () => {
    const elsewhere = join(directory, "elsewhere")
    const there = ["--set", `management.socket=${elsewhere}`]
    await using broker = await serve(...there)
    expect(existsSync(path())).toBe(false)
    expect(await bantam("status", ...there)).toMatchObject({ exitCode: 0 })
    await broker.end("SIGTERM")
    await using _ = await serve("--set", "management.socket=off")
    expect(existsSync(path())).toBe(false)
    expect(existsSync(elsewhere)).toBe(false)
  })

  test("takes the place of nothing but a socket", async () => {
    writeFileSync(path(), "mine")
    const { exitCode, error } = await bantam("serve", "--port", "0")
    expect(exitCode).toBe(1)
    expect(error).toContain(`Cannot listen at unix://${path()}: what stands there is no socket`)
  })

  test("whose path is too long is told of when it is named", async () => {
    const long = join("/tmp", "x".repeat(120))
    const { error } = await bantam("status", "--set", `management.socket=${long}`)
    expect(error).toContain("management.socket")
    expect(error).toContain("a socket's path has less than 108 bytes")
  })
})

describe("a running broker", () => {
  test("shows its clients, and kicks one, which learns why", async () => {
    await using broker = await serve()
    const wall = await clientAt(broker.port, "wall")
    const { out } = await bantam("clients", "list")
    expect(out.split("\n")[0]).toMatch(/^CLIENT +USER +ADDRESS +MQTT +SINCE +SUBS +IN +OUT +QUEUED/)
    expect(out.split("\n")[1]).toMatch(/^wall +- +127.0.0.1 +5.0 /)
    expect(await bantam("clients", "kick", "wall")).toEqual({
      exitCode: 0,
      out: "",
      error: "bantam: wall is gone\n",
    })
    expect(await wall.ended).toMatchObject({
      why: "server-disconnect",
      reasonCode: ReasonCode.administrativeAction,
    })
    expect(await json("clients", "list")).toEqual([])
    expect(await json("sessions", "list", "--absent")).toMatchObject([{ client: "wall", connected: false }])
    expect((await bantam("audit")).out).toContain('client "wall" kicked')
    expect(await bantam("sessions", "remove", "--absent", "--client", "w*")).toMatchObject({
      error: "bantam: 1 removed\n",
    })
    expect(await json("sessions", "list")).toEqual([])
    expect(await bantam("clients", "kick")).toMatchObject({ exitCode: 1 })
    expect(await bantam("clients", "kick", "wall", "--user", "bob")).toMatchObject({ exitCode: 1 })
  })

  test("subscribes a session for good", async () => {
    await using broker = await serve()
    await (await clientAt(broker.port, "wall")).disconnect()
    expect(await bantam("subs", "add", "wall", "home/#", "--qos", "1")).toMatchObject({ exitCode: 0 })
    await broker.end("SIGKILL")
    await using again = await serve()
    expect(await json("subs", "list", "--topic", "home/door")).toEqual([
      {
        client: "wall",
        filter: "home/#",
        qos: 1,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 2,
        identifier: null,
      },
    ])
    const sensor = await clientAt(again.port, "sensor")
    await sensor.publish({ topic: "home/door", payload: Buffer.from("open"), qos: 1, retain: false })
    expect(await json("sessions", "list", "--client", "w*")).toMatchObject([{ queuedMessages: 1 }])
    await bantam("subs", "remove", "wall", "home/#")
    expect((await bantam("subs", "list", "-o", "csv")).out).toBe("")
  })

  test("shows what is retained, byte for byte, and forgets it", async () => {
    await using broker = await serve()
    const sensor = await clientAt(broker.port, "sensor")
    await retained(sensor, "home/door", "open,\n\x07")
    await retained(sensor, "home/lamp", "on")
    expect((await bantam("retained", "get", "home/door")).out).toBe("open,\n\x07")
    expect(await json("retained", "get", "home/door")).toMatchObject({
      client: "sensor",
      payload: "open,\n\x07",
    })
    expect(await bantam("retained", "get", "home/none")).toMatchObject({ exitCode: 1, out: "" })
    const dry = await bantam("retained", "remove", "home/+", "--dry-run")
    expect(dry.out.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "TOPIC",
      "home/door",
      "home/lamp",
      "",
    ])
    expect(await bantam("retained", "remove", "home/+", "--older", "1h")).toMatchObject({
      error: "bantam: there was nothing to remove\n",
    })
    expect(await bantam("retained", "remove", "home/+")).toMatchObject({ error: "bantam: 2 removed\n" })
    await broker.end("SIGKILL")
    await using _ = await serve()
    expect(await json("retained", "list")).toEqual([])
  })

  test("tells of names that would command a terminal without doing as they say", async () => {
    await using broker = await serve()
    const sensor = await clientAt(broker.port, "sensor")
    await retained(sensor, "a\x1b[2J\n", "1")
    for (const layout of ["table", "csv", "json"]) {
      const { out } = await bantam("retained", "list", "-o", layout)
      expect(out).toContain("a\\u001b[2J\\")
      expect(out).not.toContain("\x1b")
    }
  })

  test("that goes away in the middle of a list is told of", async () => {
    const begun = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf\r\n{"client":"a"}\n\r\n'
    const server = createServer((socket) => socket.once("data", () => socket.end(begun)))
    await once(server.listen(join(directory, "admin.sock")), "listening")
    expect(await bantam("sessions", "list")).toEqual({
      exitCode: 1,
      out: "",
      error: "bantam: the list broke off; is the broker still there?\n",
    })
    server.close()
  })

  const lookingOn = ["status --watch", "top --every 200ms"]
  test.each(lookingOn)("that does not answer any more is waited for until Ctrl-C: %s", async (words) => {
    await using broker = await serve()
    const asking = Bun.spawn({
      cmd: [...fromSource, ...words.split(" "), "--data", directory],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdout: "pipe",
      stderr: "ignore",
    })
    await readUntil(asking.stdout, "\n")
    await broker.end("SIGKILL")
    rmSync(join(directory, "admin.sock"))
    const asked = Promise.withResolvers<void>()
    const silent = createServer((socket) => socket.once("data", () => asked.resolve()))
    silent.listen(join(directory, "admin.sock"))
    await asked.promise
    asking.kill("SIGINT")
    expect(await asking.exited).toBe(0)
    silent.close()
  })

  test("that has none of what is asked for says so", async () => {
    await using _ = await serve()
    for (const words of [
      ["clients", "show", "nobody"],
      ["clients", "kick", "nobody"],
      ["sessions", "show", "nobody"],
      ["sessions", "remove", "nobody"],
      ["subs", "add", "nobody", "#"],
      ["subs", "remove", "nobody", "#"],
    ]) {
      const { exitCode, out, error } = await bantam(...words)
      expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
      expect(error).toMatch(/^bantam: .*"nobody".*\n$/)
    }
  })

  test("is watched until Ctrl-C, in a pipe one look below the other", async () => {
    await using _ = await serve()
    const watching = Bun.spawn({
      cmd: [...fromSource, "sessions", "list", "--json", "--watch", "--every", "100ms", "--data", directory],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdout: "pipe",
      stderr: "pipe",
    })
    await readUntil(watching.stdout, "[]\n[]\n")
    watching.kill("SIGINT")
    expect(await watching.exited).toBe(0)
    expect(await watching.stderr.text()).toBe("")
  })
})
