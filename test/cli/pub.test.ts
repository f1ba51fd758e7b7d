import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, bytesOf, connack } from "../client/scripted-server.ts"
import { freshDirectory, fromSource, run } from "./program.ts"
import { type Script, startBroker, startScripted } from "./pub-sub-server.ts"

let folder: string
beforeEach(() => {
  folder = freshDirectory()
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Accepts everything, and acknowledges with this reason. */
const accepts = (reasonCode: ReasonCode = ReasonCode.success): Script => {
  return (packet) => {
    if (packet.type === "connect") return [connack()]
    if (packet.type === "pubrel") return [acknowledgement("pubcomp", packet.packetId)]
    if (packet.type !== "publish" || packet.packetId === undefined) return []
    return [acknowledgement(packet.qos === 1 ? "puback" : "pubrec", packet.packetId, reasonCode)]
  }
}

describe("bantam pub and a broker", () => {
  let broker: Awaited<ReturnType<typeof startBroker>>
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.stop())

  /** What one retained message on the topic holds. */
  const retained = (topic: string) => {
    return run(["sub", ...broker.flags, "-t", topic, "-C", "1", "-N"])
  }

  test.each(["0", "1", "2"])("a message at QoS %s arrives", async (qos) => {
    const topic = `qos/${qos}`
    const words = ["pub", ...broker.flags, "-t", topic, "-m", "hellö", "-q", qos, "-r"]
    expect(await run(words)).toEqual({ exitCode: 0, out: "", error: "" })
    expect((await retained(topic)).out).toBe("hellö")
  })

  test.each(["31", "mqttv311", "5"])("version %s is spoken", async (version) => {
    const topic = `version/${version}`
    const words = ["pub", ...broker.flags, "-t", topic, "-m", "x", "-r", "-V", version]
    expect((await run(words)).exitCode).toBe(0)
    expect((await retained(topic)).out).toBe("x")
  })

  test("-f, -s, -n and a value that begins with a hyphen", async () => {
    const file = join(folder, "payload")
    writeFileSync(file, "line\nline\n")
    expect((await run(["pub", ...broker.flags, "-t", "f", "-f", file, "-r"])).exitCode).toBe(0)
    expect((await retained("f")).out).toBe("line\nline\n")
    expect((await run(["pub", ...broker.flags, "-t", "f", "-s", "-r"], { stdin: "in" })).exitCode).toBe(0)
    expect((await retained("f")).out).toBe("in")
    expect((await run(["pub", ...broker.flags, "-t", "f", "-m", "--help", "-r"])).exitCode).toBe(0)
    expect((await retained("f")).out).toBe("--help")
    expect((await run(["pub", ...broker.flags, "-t", "f", "-n", "-r"])).exitCode).toBe(0)
    expect((await run(["pub", ...broker.flags, "-t", "f/2", "-m", "x", "-r"])).exitCode).toBe(0)
    expect((await run(["sub", ...broker.flags, "-t", "f/#", "-C", "1", "-v"])).out).toBe("f/2 x\n")
  })

  test("-l sends each line, in order, at any QoS", async () => {
    const lines = `${Array.from({ length: 3000 }, (_, line) => `line ${line}`).join("\n")}\n`
    const session = ["sub", ...broker.flags, "-t", "l", "-q", "2", "-c", "-i", "lines"]
    expect((await run([...session, "-E"])).exitCode).toBe(0)
    expect((await run(["pub", ...broker.flags, "-t", "l", "-l", "-q", "2"], { stdin: lines })).exitCode).toBe(
      0,
    )
    expect((await run([...session, "-C", "3000"])).out).toBe(lines)
  })

  test("-L holds the server and the topic", async () => {
    const url = `mqtt://${broker.flags[1]}:${broker.flags[3]}/u/r/l`
    expect((await run(["pub", "-L", url, "-m", "x", "-r"])).exitCode).toBe(0)
    expect((await run(["sub", "-L", url, "-C", "1", "-v"])).out).toBe("u/r/l x\n")
  })
})

describe("bantam pub and what a server may answer", () => {
  test("properties, will and the rest are said as the options say", async () => {
    using server = startScripted(5, accepts())
    const { exitCode } = await run([
      ...["pub", ...server.flags, "-t", "t", "-m", "x", "-i", "ada", "-u", "user", "-P", "secret", "-k", "7"],
      ...["-c", "-D", "connect", "user-property", "a", "b", "-D", "publish", "content-type", "text"],
      ...["--will-topic", "gone", "--will-payload", "w", "--will-qos", "1", "--will-retain"],
      ...["-D", "will", "will-delay-interval", "3", "-D", "disconnect", "session-expiry-interval", "9"],
    ])
    expect(exitCode).toBe(0)
    expect(server.heard).toMatchObject([
      {
        type: "connect",
        version: 5,
        clientId: "ada",
        username: "user",
        password: bytesOf("secret"),
        keepAliveSeconds: 7,
        cleanStart: false,
        properties: { sessionExpiryInterval: 0xffff_ffff, userProperties: [["a", "b"]] },
        will: {
          topic: "gone",
          payload: bytesOf("w"),
          qos: 1,
          retain: true,
          properties: { willDelayInterval: 3 },
        },
      },
      { type: "publish", topic: "t", qos: 0, properties: { contentType: "text" } },
      { type: "disconnect", properties: { sessionExpiryInterval: 9 } },
    ])
  })

  test("--repeat sends it so often", async () => {
    using server = startScripted(4, accepts())
    await run([
      "pub",
      ...server.flags,
      "-t",
      "t",
      "-m",
      "x",
      "-q",
      "1",
      "--repeat",
      "3",
      "--repeat-delay",
      "0.01",
    ])
    expect(server.heard.filter(({ type }) => type === "publish")).toHaveLength(3)
  })

  test.each(["1", "2"])("a refused publish at QoS %s is no success", async (qos) => {
    using server = startScripted(5, accepts(ReasonCode.notAuthorized))
    expect(await run(["pub", ...server.flags, "-t", "a/b", "-m", "x", "-q", qos])).toEqual({
      exitCode: 135,
      out: "",
      error: "bantam: publish to a/b refused: not authorized (135)\n",
    })
  })

  test("of many refused ones the first are told, and how many more there are", async () => {
    using server = startScripted(5, accepts(ReasonCode.notAuthorized))
    const lines = "x\n".repeat(1025)
    const { exitCode, error } = await run(["pub", ...server.flags, "-t", "t", "-l", "-q", "1"], {
      stdin: lines,
    })
    expect(exitCode).toBe(135)
    expect(error.split("\n").slice(19)).toEqual([
      "bantam: publish to t refused: not authorized (135)",
      "bantam: 1,005 more messages refused",
      "",
    ])
  })

  test("--quiet hides the line, not the exit code", async () => {
    using server = startScripted(5, accepts(ReasonCode.notAuthorized))
    const outcome = await run(["pub", ...server.flags, "-t", "t", "-m", "x", "-q", "1", "--quiet"])
    expect(outcome).toEqual({ exitCode: 135, out: "", error: "" })
  })

  test("what the server said it does not take is refused here", async () => {
    using server = startScripted(5, (packet) => {
      return packet.type === "connect" ? [connack({ properties: { maximumQos: 0 } })] : []
    })
    const outcome = await run(["pub", ...server.flags, "-t", "t", "-m", "x", "-q", "1"])
    expect(outcome).toMatchObject({
      exitCode: 155,
      error: "bantam: publish to t refused: qos not supported (155)\n",
    })
  })

  test.each([
    [5, 134],
    [4, 4],
  ] as const)("a refused connection of version %d exits with %d", async (version, code) => {
    using server = startScripted(version, () => [
      connack({ reasonCode: ReasonCode.badUserNameOrPassword }),
      "close",
    ])
    expect(await run(["pub", ...server.flags, "-t", "t", "-m", "x"])).toEqual({
      exitCode: code,
      out: "",
      error: "bantam: the server refused the connection: bad user name or password\n",
    })
  })

  test("a connection that is lost before the answer exits with 7", async () => {
    using server = startScripted(4, (packet) => (packet.type === "connect" ? [connack()] : ["close"]))
    expect(await run(["pub", ...server.flags, "-t", "t", "-m", "x", "-q", "1"])).toEqual({
      exitCode: 7,
      out: "",
      error: "bantam: the connection was lost\n",
    })
  })

  test("a server that goes while -l waits for input ends it", async () => {
    using server = startScripted(5, (packet) => {
      const reasonCode = ReasonCode.serverShuttingDown
      return packet.type === "connect" ? [connack(), { type: "disconnect", reasonCode, properties: {} }] : []
    })
    const running = Bun.spawn({
      cmd: [...fromSource, "pub", ...server.flags, "-t", "t", "-l"],
      stdin: "pipe",
      stdout: "ignore",
      stderr: "pipe",
    })
    expect(await running.exited).toBe(139)
    expect(await running.stderr.text()).toBe("bantam: the server disconnected: server shutting down\n")
  })

  test("nobody there: 14, and where", async () => {
    const outcome = await run(["pub", "-h", "127.0.0.1", "-p", "1", "-t", "t", "-m", "x"])
    expect(outcome.exitCode).toBe(14)
    expect(outcome.error).toBe("bantam: Cannot connect to tcp://127.0.0.1:1: nobody listens there\n")
  })
})

describe("bantam pub, a wrong command line", () => {
  test.each([
    ["-m x", "no topic: add -t TOPIC"],
    ["-t t", "say what to publish with one of -m, -f, -l, -s, -n, --csv and --jsonl"],
    ["-t t -m x -n", "only one message can be published"],
    ["-t t -m x -m y", "Only one message can be published"],
    ["-t a/+ -m x", "holds neither + nor #"],
    ["-t t -m x -c", "-c needs a client identifier: add -i ID"],
    ["-t t -m x -i a -I b", "-i and -I exclude each other"],
    ["-t t -m x -P p", "-P without -u is for MQTT 5 only"],
    ["-t t -m x -V 311 -x 5", "-x needs MQTT 5: leave out -V, or write -V 5"],
    ["-t t -m x -V 31 -D publish content-type x", "-D needs MQTT 5"],
    ["-t t -m x --will-payload x", "a will needs a topic: add --will-topic TOPIC"],
    ["-t t -m x --cert c", "--cert and --key go together"],
    ["-t t -f /nonexistent/file", "-f /nonexistent/file: cannot be read"],
    ["-t t -m x -k 4", "from 5 to 65535"],
    ["-t t -m x -V 4", "must be 5, 311 or 31"],
    ["-t t -m x -C 1", "unknown option '-C'"],
  ])("%s", async (words, problem) => {
    const { exitCode, out, error } = await run(["pub", ...words.split(" ")])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
    expect(error.trimEnd()).not.toContain("\n")
  })
})
