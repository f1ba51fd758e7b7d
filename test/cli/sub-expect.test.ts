import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { bytesOf, connack, packetId, publish } from "../client/scripted-server.ts"
import { freshDirectory, fromSource, readRest, readUntil, run, start } from "./program.ts"
import { type Script, startBroker, startScripted } from "./pub-sub-server.ts"

/** Grants each subscription, or answers with these codes, and then sends the messages. */
const sends = (messages: readonly (Packet | "close")[], codes?: readonly ReasonCode[]): Script => {
  return (packet) => {
    if (packet.type === "connect") return [connack()]
    if (packet.type !== "subscribe") return []
    const { packetId, requests } = packet
    const reasonCodes = codes ?? requests.map(() => ReasonCode.grantedQos0)
    return [{ type: "suback", packetId, reasonCodes, properties: {} }, ...messages]
  }
}

const said = (topic: string, payload: string, fields = {}) =>
  publish({ topic, payload: bytesOf(payload), ...fields })

const heated = [said("temp", '{"t":19}'), said("door", "open"), said("temp", '{"t":21}'), said("lamp", "on")]

describe("bantam sub --expect", () => {
  test("exits with 0 as soon as all of it has come, and says by what", async () => {
    using server = startScripted(4, sends(heated))
    const { exitCode, out, error } = await run([
      ...[
        "sub",
        ...server.flags,
        "--expect",
        "door=open",
        "--expect-json",
        "temp: .t > 20",
        "--within",
        "1h",
      ],
    ])
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" })
    expect(out).toMatch(
      /^✓ as expected {2}3 messages in \d+\.\d\d s\n {2}✓ door=open {2}"open" on door\n {2}✓ temp: \.t > 20 {2}\{"t":21\} on temp\n$/,
    )
  })

  test("exits with 65 when the time is over, and says what came instead", async () => {
    using server = startScripted(4, sends(heated))
    const { exitCode, out, error } = await run([
      ...[
        "sub",
        ...server.flags,
        "--expect",
        "door=closed",
        "--expect-json",
        "temp: .t > 30",
        "--within",
        "1ms",
      ],
    ])
    expect({ exitCode, error }).toEqual({ exitCode: 65, error: "" })
    expect(out).toStartWith("✗ 2 of 2 expectations not met within 0.001 s  ")
  })

  test("subscribes to what is expected, without what another filter covers, at the QoS of -q", async () => {
    using server = startScripted(4, sends(heated))
    const words = [
      "--expect",
      "a/b=1",
      "--expect",
      "a/#",
      "--expect-json",
      "c: .x exists",
      "--expect",
      "a/b=1",
    ]
    await run(["sub", ...server.flags, ...words, "-q", "1", "--within", "1ms"])
    expect(server.heard[1]).toMatchObject({
      type: "subscribe",
      requests: [
        { filter: "a/#", qos: 1 },
        { filter: "c", qos: 1 },
      ],
    })
  })

  test("with -t subscribes to that alone, and holds all that comes against what is expected", async () => {
    using server = startScripted(4, sends(heated))
    const words = [
      "sub",
      ...server.flags,
      "-t",
      "#",
      "--expect-json",
      ".t > 20",
      "--expect",
      "lamp",
      "--within",
      "1h",
    ]
    expect((await run(words)).exitCode).toBe(0)
    expect(server.heard[1]).toMatchObject({ requests: [{ filter: "#" }] })
  })

  test("-C takes so many messages and judges then", async () => {
    using server = startScripted(4, sends(heated))
    const words = ["sub", ...server.flags, "-t", "#", "--expect", "door=open", "--within", "1h", "-C"]
    expect((await run([...words, "1"])).exitCode).toBe(65)
    const { exitCode, out } = await run([...words, "4"])
    expect(exitCode).toBe(0)
    expect(out).toContain("4 of 4 messages")
  })

  test("--in-order keeps the order in which both kinds were written", async () => {
    using server = startScripted(4, sends(heated))
    const inOrder = (...words: readonly string[]) => {
      return run(["sub", ...server.flags, "-t", "#", "--in-order", "--within", "1h", "-C", "4", ...words])
    }
    expect(
      (await inOrder("--expect-json", ".t > 10", "--expect", "door", "--expect-json", ".t > 20")).exitCode,
    ).toBe(0)
    expect((await inOrder("--expect", "lamp", "--expect", "door")).exitCode).toBe(65)
  })

  test("--none fails at the first that comes, and holds when the time is over", async () => {
    using server = startScripted(4, sends(heated))
    const none = ["sub", ...server.flags, "-t", "#", "--none"]
    expect((await run([...none, "--within", "1h"])).exitCode).toBe(65)
    expect((await run([...none, "--within", "1h", "--expect", "lamp=on"])).exitCode).toBe(65)
    expect((await run([...none, "--within", "1ms", "--expect", "lamp=off"])).exitCode).toBe(0)
  })

  test("leaves out what -T and -R leave out", async () => {
    using server = startScripted(4, sends([said("door", "open", { retain: true }), said("lamp", "on")]))
    const none = ["sub", ...server.flags, "-t", "#", "--none", "--within", "1ms", "-R", "-T", "lamp"]
    expect((await run(none)).exitCode).toBe(0)
  })

  test("leaves what comes after it to the session", async () => {
    const atQos1 = (id: number) => said("t", String(id), { qos: 1, packetId: packetId(id) })
    using server = startScripted(4, sends([atQos1(1), atQos1(2), atQos1(3)]))
    await run(["sub", ...server.flags, "-q", "1", "--expect", "t=2", "--within", "1h"])
    expect(server.heard.slice(2)).toMatchObject([
      { type: "puback", packetId: 1 },
      { type: "puback", packetId: 2 },
      { type: "disconnect" },
    ])
  })

  test("with a layout prints the messages too, and a difference on standard error", async () => {
    using server = startScripted(4, sends(heated))
    const words = ["sub", ...server.flags, "-t", "#", "-v", "-C", "2"]
    expect(await run([...words, "--expect", "door"])).toEqual({
      exitCode: 0,
      out: 'temp {"t":19}\ndoor open\n',
      error: "",
    })
    const { exitCode, out, error } = await run([...words, "--expect", "lamp"])
    expect({ exitCode, out }).toEqual({ exitCode: 65, out: 'temp {"t":19}\ndoor open\n' })
    expect(error).toContain("✗ lamp\n")
  })

  test("--json is the report in JSON", async () => {
    using server = startScripted(4, sends(heated))
    const { exitCode, out } = await run([
      ...["sub", ...server.flags, "-t", "#", "--expect", "lamp=off", "-C", "4", "--json"],
    ])
    expect(exitCode).toBe(65)
    expect(JSON.parse(out)).toMatchObject({
      met: false,
      expectations: [{ expected: "lamp=off", met: false }],
    })
  })

  test("a connection that fails keeps its own exit code, and so does a subscription that is refused", async () => {
    using lost = startScripted(4, sends([said("door", "open"), "close"]))
    expect((await run(["sub", ...lost.flags, "--expect", "lamp", "--within", "1h"])).exitCode).toBe(7)
    using refusing = startScripted(
      5,
      sends([said("a", "1")], [ReasonCode.grantedQos0, ReasonCode.notAuthorized]),
    )
    expect(await run(["sub", ...refusing.flags, "--expect", "a", "--expect", "b", "--within", "1h"])).toEqual(
      {
        exitCode: 135,
        out: "",
        error: "bantam: subscription to b denied: not authorized (135)\n",
      },
    )
  })

  test("who ends it has not seen what was expected", async () => {
    using server = startScripted(4, sends([said("door", "open")]))
    for (const words of [
      ["--expect", "lamp"],
      ["--none", "--expect", "lamp"],
    ]) {
      const running = start(["sub", ...server.flags, "-v", "-t", "#", ...words, "--within", "1h"])
      await readUntil(running.stdout, "door open\n")
      running.kill("SIGTERM")
      expect(await running.exited).toBe(65)
    }
  })
})

describe("bantam sub tells that it is subscribed", () => {
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

  const bantam = fromSource.map((word) => Bun.$.escape(word)).join(" ")
  const pub = (words: string) => `${bantam} pub ${broker.flags.join(" ")} ${words}`

  test("--then runs a command that nothing of is missed, its output on standard error", async () => {
    const words = [
      "sub",
      ...broker.flags,
      "--expect",
      "then=1",
      "--then",
      `echo hello; ${pub("-t then -m 1")}`,
    ]
    const { exitCode, out, error } = await run(words)
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: "hello\n" })
    expect(out).toContain('✓ then=1  "1" on then')
  })

  test("the time begins when the command has ended, and waits for it", async () => {
    const then = `${pub("-t slow -m 1")} && ${pub("-t slow -m 2")}`
    const words = ["sub", ...broker.flags, "--expect", "slow=1", "--expect", "slow=2", "--within", "1ms"]
    expect((await run([...words, "--then", then])).exitCode).toBe(0)
  })

  test("a command that fails is our failure, also when all has come", async () => {
    expect(await run(["sub", ...broker.flags, "-t", "fails", "--then", "exit 9"])).toEqual({
      exitCode: 9,
      out: "",
      error: "bantam: the command of --then ended with exit code 9\n",
    })
    const then = `${pub("-t fails -m 1")}; exit 5`
    const all = await run(["sub", ...broker.flags, "-t", "fails", "-C", "1", "--then", then])
    expect(all).toMatchObject({ exitCode: 5, out: "1\n" })
    expect((await run(["sub", ...broker.flags, "--expect", "fails=1", "--then", then])).exitCode).toBe(5)
  })

  test("a command goes when we go", async () => {
    const running = start(["sub", ...broker.flags, "-t", "t", "--then", "echo begun; exec sleep 1000"])
    await readUntil(running.stderr, "begun\n")
    running.kill("SIGTERM")
    expect(await running.exited).toBe(0)
  })

  test("and so does all that it has started", async () => {
    const then = "echo begun; sleep 1000; true"
    const running = start(["sub", ...broker.flags, "-t", "t", "--then", then])
    await readUntil(running.stderr, "begun\n")
    running.kill("SIGTERM")
    expect(await running.exited).toBe(0)
    // Open as long as one of them is there.
    expect(await readRest(running.stderr)).toBe("")
  })

  test("-W holds while the command is awaited that the last message came before", async () => {
    const then = `${pub("-t late -m 1")}; sleep 1000; true`
    const words = ["sub", ...broker.flags, "-t", "late", "-C", "1", "-W", "1", "--then", then]
    expect((await run(words)).exitCode).toBe(27)
  })

  test("--ready-file is there once a message would come, and says for what", async () => {
    const file = join(directory, "ready")
    const script = [
      `${bantam} sub ${broker.flags.join(" ")} --expect ready=1 --within 10s --ready-file ${file} & SUB=$!`,
      `until [ -e ${file} ]; do :; done`,
      pub("-t ready -m 1"),
      "wait $SUB",
    ].join("\n")
    const { exitCode, out } = await run(["-c", script], { program: ["/bin/sh"] })
    expect(exitCode).toBe(0)
    expect(out).toContain("✓ ready=1")
    // It stays, for who looks later.
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ filters: ["ready"] })
  })

  test("of an earlier run, it is gone before anything else", async () => {
    const file = join(directory, "old")
    writeFileSync(file, "{}")
    using server = startScripted(4, (packet) => (packet.type === "connect" ? [connack(), "close"] : []))
    expect((await run(["sub", ...server.flags, "-t", "t", "--ready-file", file])).exitCode).toBe(7)
    expect(existsSync(file)).toBe(false)
  })
})

describe("bantam sub, what cannot be expected", () => {
  test.each([
    ["--expect =on", "the topic is missing"],
    ["--expect a/#/b", "a/#/b is no topic filter"],
    ["-t a --expect-json temp", 'at character 1, "temp": a path such as .temp begins with a dot'],
    ["--expect-json .temp>1", "no topic: add -t FILTER"],
    ["-t a --within 5s", "--within needs something to wait for"],
    ["-t a --expect a --within 5", "It must be a time such as 200ms, 5s or 1m"],
    ["--expect a --in-order", "--in-order needs two expectations"],
    ["-t a --none -C 1", "--none and -C exclude each other"],
    ["--expect a --expect b --none --in-order", "--none and --in-order exclude each other"],
    ["--expect a -E", "-E expects nothing"],
    ["-t a --json -v", "--json and -v exclude each other"],
    ["-t a --json --as-mosquitto", "Unknown option '--json'"],
  ])("%s", async (words, problem) => {
    const { exitCode, out, error } = await run(["sub", ...words.split(" ")])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
  })
})
