import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory, run } from "./program.ts"
import { connack } from "../client/scripted-server.ts"
import { startBroker, startScripted } from "./pub-sub-server.ts"
import { startAtTerminal } from "./terminal.ts"

let broker: Awaited<ReturnType<typeof startBroker>>
let directory: string
beforeAll(async () => {
  broker = await startBroker()
  directory = freshDirectory()
})
afterAll(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

const script = (lines: readonly string[], words: readonly string[] = broker.flags) =>
  run(["shell", ...words], { stdin: lines.map((line) => `${line}\n`).join("") })

describe("bantam shell runs a script", () => {
  test("line by line, and prints what was asked for and nothing else", async () => {
    const outcome = await script([
      "# a remark",
      "sub a/# -q 1",
      "pub a/b 'hello world' -q 1",
      "retain a/c kept -q 2",
      "wait 2 10s",
      "subs",
      "set format json",
      "pub a/d last",
      "wait",
      "unsub a/#",
      "clear a/c -q 1",
      "sub a/c -q 1",
      "set",
    ])
    const [hello, kept, filter, json, ...settings] = outcome.out.trim().split("\n")
    expect([hello, kept, filter]).toEqual(["a/b hello world", "a/c kept", "a/#  QoS 1"])
    expect(JSON.parse(json ?? "")).toMatchObject({ topic: "a/d", payload: "last" })
    expect(settings).toEqual(["format json", "messages shown", "qos 0"])
    expect([outcome.exitCode, outcome.error]).toEqual([0, ""])
  })

  test("up to quit", async () => {
    expect(await script(["quit", "nonsense"])).toEqual({ exitCode: 0, out: "", error: "" })
  })

  test("up to the first error, which it names by its line", async () => {
    expect(await script(["", "pbu a b", "sub #"])).toEqual({
      exitCode: 1,
      out: "",
      error: "bantam: line 2: there is no pbu; did you mean pub?\n",
    })
    expect(await script(["sub a", "wait 100ms", "wait 2 100ms"])).toEqual({
      exitCode: 27,
      out: "",
      error: "bantam: line 3: no 2 messages within 0.1 s\n",
    })
    const refused = await script(["pub $SYS/x 1 -q 1"])
    expect(refused).toMatchObject({ exitCode: 135, out: "" })
    expect(refused.error).toBe(
      "bantam: line 1: publish to $SYS/x refused: not authorized (135), not authorized\n",
    )
  })

  test("up to the end of the connection, even while it waits", async () => {
    using server = startScripted(4, ({ type }) => (type === "connect" ? [connack(), "close"] : []))
    expect(await script(["wait 1 30s"], server.flags)).toEqual({
      exitCode: 7,
      out: "",
      error: "bantam: the connection was lost\n",
    })
    using other = startScripted(4, ({ type }) => (type === "connect" ? [connack()] : ["close"]))
    const { exitCode, error } = await script(["sub a"], other.flags)
    expect({ exitCode, lines: error.split("\n").length }).toEqual({ exitCode: 7, lines: 2 })
  })

  test("without a broker not at all", async () => {
    const outcome = await script(["sub #"], ["mqtt://127.0.0.1:1"])
    expect(outcome).toMatchObject({ exitCode: 14, out: "" })
    expect(outcome.error).toBe("bantam: Cannot connect to tcp://127.0.0.1:1: nobody listens there\n")
  })

  test("by a connection that has a name, which names the server alone", async () => {
    const env = { XDG_CONFIG_HOME: join(directory, "config") }
    const [, host = "", , port = ""] = broker.flags
    await run(["connect", "save", "home", `mqtt://${host}:${port}`], { env })
    const stdin = "sub named\npub named here\nwait\n"
    expect(await run(["shell", "--to", "home"], { env, stdin })).toMatchObject({
      exitCode: 0,
      out: "named here\n",
    })
    const { error, exitCode } = await run(["shell", "--to", "home", "localhost"], { env, stdin })
    expect(exitCode).toBe(1)
    expect(error).toStartWith("bantam: --to names server and user already")
  })

  test("with MQTT 3.1.1 where 5.0 is not known", async () => {
    using server = startScripted(4, (packet) => {
      if (packet.type !== "connect") return []
      return packet.version === 5 ? ["close"] : [connack()]
    })
    const [, host = "", , port = ""] = server.flags
    const { out, exitCode } = await script(["status"], [`${host}:${port}`])
    expect(exitCode).toBe(0)
    expect(out).toContain("with MQTT 3.1.1\n")
  })

  test("and a wrong address is one line, which repeats no password", async () => {
    const { error, exitCode } = await script([], ["http://alice:secret@localhost"])
    expect(exitCode).toBe(1)
    expect(error).toBe(
      "bantam: http://localhost: it must be mqtt://, mqtts://, ws:// or wss://HOST:PORT, or unix:///PATH, with USER@ before the host if need be\n",
    )
  })

  test("whose output no message can turn into commands to a terminal", async () => {
    const { out } = await script([
      "sub evil/#",
      "pub 'evil/\u001b[2J\u009b' 'a\u001b]0;owned\u0007b'",
      "wait",
      "set format human",
      "pub evil/2 'c\u001b[31m'",
      "wait",
      "set format '%t: %p'",
      "pub evil/3 '\u001b[H'",
      "wait",
      "topics",
      "last evil/2",
    ])
    expect(out).not.toMatch(/[^\n\P{Cc}]/u)
    expect(out.match(/\\x1b/g)).toHaveLength(9)
  })
})

describe("bantam shell at a terminal", () => {
  const home = () => ({ env: { XDG_STATE_HOME: join(directory, "state") } })
  const port = () => broker.flags[3] ?? ""

  test("completes words and topics that were seen, and shows messages above the line that is being typed", async () => {
    await using terminal = startAtTerminal(["shell", ...broker.flags], home())
    await terminal.until(`127.0.0.1:${port()}`)
    await terminal.until("> ")
    terminal.type("stat")
    await terminal.until("stat")
    terminal.type("\t")
    await terminal.until("us ")
    terminal.type("\r")
    await terminal.until("connected")
    terminal.type("sub room/#\r")
    await terminal.until("subscribed to room/#")
    terminal.type("pub room/kitchen/lamp on\r")
    await terminal.until("pub room/kitchen/lamp on")
    await terminal.until("  on\r\n")
    terminal.type("last ro")
    await terminal.until("last ro")
    // A level for each.
    for (const completed of ["om/", "kitchen/", "lamp "]) {
      terminal.type("\t")
      await terminal.until(completed)
    }
    // A message comes while the line stands there: it is drawn again below it.
    await run(["pub", ...broker.flags, "-t", "room/hall", "-m", "dark"])
    await terminal.until("dark")
    await terminal.until("last room/kitchen/lamp ")
    terminal.type("\r")
    await terminal.until("room/kitchen/lamp")
    terminal.type("\u0004")
    expect((await terminal.ended()).exitCode).toBe(0)
  })

  test("remembers lines for the next time, for their owner alone", async () => {
    const file = join(directory, "state", "bantam", "shell-history")
    {
      await using terminal = startAtTerminal(["shell", ...broker.flags], home())
      await terminal.until("> ")
      terminal.type("pub remembered 1 -q 1\r")
      await terminal.until("the broker has it")
      terminal.type("pub door/password 1234 -q 1\r")
      await terminal.until("the broker has it")
      terminal.type("quit\r")
      await terminal.ended()
    }
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, "utf8")).toContain("pub remembered 1 -q 1\n")
    expect(readFileSync(file, "utf8")).not.toContain("1234")
    await using terminal = startAtTerminal(["shell", ...broker.flags], home())
    await terminal.until("> ")
    // The last line was quit.
    terminal.type("\u001b[A\u001b[A")
    await terminal.until("pub remembered 1 -q 1")
  })

  test("Ctrl-C throws the line away, and leaves where there is none", async () => {
    await using terminal = startAtTerminal(["shell", ...broker.flags], home())
    await terminal.until("> ")
    terminal.type("nonsense")
    await terminal.until("nonsense")
    terminal.type("\u0003")
    terminal.type("status\r")
    await terminal.until("connected")
    terminal.type("\u0003")
    const { exitCode, rest } = await terminal.ended()
    expect(exitCode).toBe(0)
    expect(rest).not.toContain("there is no")
  })

  test("connects again by itself, says so, and subscribes again", async () => {
    const first = await startBroker()
    const [, host = "", , firstPort = ""] = first.flags
    await using terminal = startAtTerminal(["shell", `mqtt://${host}:${firstPort}`], home())
    await terminal.until("> ")
    terminal.type("sub again/#\r")
    await terminal.until("subscribed to again/#")
    await first.stop()
    await terminal.until("not connected: ")
    await terminal.until("(offline)")
    terminal.type("pub again/x 1\r")
    await terminal.until("not connected at the moment")
    const second = await startBroker("--port", firstPort)
    try {
      await terminal.until("connected again")
      terminal.type("pub again/x here -q 1\r")
      await terminal.until("  here")
    } finally {
      await second.stop()
    }
  }, 20_000)

  test("that can do nothing is a pipe: no prompt, no escapes, no history", async () => {
    const state = join(directory, "dumb")
    const surroundings = { env: { TERM: "dumb", XDG_STATE_HOME: state } }
    await using terminal = startAtTerminal(["shell", ...broker.flags], surroundings)
    terminal.type("sub x\rpub x hello\rwait\rquit\r")
    const { exitCode, rest } = await terminal.ended()
    expect([exitCode, existsSync(state)]).toEqual([0, false])
    expect(rest).toContain("x hello\r\n")
    expect(rest).not.toContain("\u001b")
  })
})
