import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, bytesOf, connack, packetId, publish } from "../client/scripted-server.ts"
import { fromSource, readUntil, run, start } from "./program.ts"
import { type Script, startBroker, startScripted } from "./pub-sub-server.ts"

/** Grants each subscription, or says so of each, and then sends the messages. */
const grants = (messages: readonly Packet[], reasonCodes?: readonly ReasonCode[]): Script => {
  return (packet) => {
    if (packet.type === "connect") return [connack()]
    if (packet.type !== "subscribe") return []
    const granted = packet.requests.map(() => ReasonCode.grantedQos2)
    const { packetId: id } = packet
    return [
      { type: "suback", packetId: id, reasonCodes: reasonCodes ?? granted, properties: {} },
      ...messages,
    ]
  }
}

const live = (payload: string, fields = {}) => publish({ payload: bytesOf(payload), ...fields })
const kept = (payload: string, fields = {}) => live(payload, { retain: true, ...fields })

describe("bantam sub and a broker", () => {
  let broker: Awaited<ReturnType<typeof startBroker>>
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.stop())

  test("prints what comes, byte for byte, as soon as it comes", async () => {
    const running = start(["sub", ...broker.flags, "-t", "live", "-d", "-C", "2"])
    await readUntil(running.stdout, "received SUBACK")
    await run(["pub", ...broker.flags, "-t", "live", "-m", "one"])
    await readUntil(running.stdout, "one\n")
    await run(["pub", ...broker.flags, "-t", "live", "-s"], { stdin: Uint8Array.of(0, 0xff) })
    const rest = Buffer.concat(await Array.fromAsync(running.stdout))
    expect(rest.includes(Uint8Array.of(0, 0xff, 0x0a))).toBe(true)
    expect(await running.exited).toBe(0)
  })

  test("-C leaves what comes after to the session", async () => {
    const session = ["sub", ...broker.flags, "-t", "queue", "-q", "1", "-c", "-i", "queue"]
    await run([...session, "-E"])
    await run(["pub", ...broker.flags, "-t", "queue", "-q", "1", "-l"], { stdin: "1\n2\n3\n4\n5\n" })
    expect((await run([...session, "-C", "2"])).out).toBe("1\n2\n")
    expect((await run([...session, "-C", "3"])).out).toBe("3\n4\n5\n")
  })

  test("-U ends a subscription of the session", async () => {
    const session = ["sub", ...broker.flags, "-q", "1", "-c", "-i", "ended"]
    await run([...session, "-t", "ended", "-t", "other", "-E"])
    expect((await run([...session, "-U", "ended", "-E"])).exitCode).toBe(0)
    for (const topic of ["ended", "other"]) {
      await run(["pub", ...broker.flags, "-t", topic, "-q", "1", "-m", "x"])
    }
    expect((await run([...session, "-t", "other", "-C", "1", "-v"])).out).toBe("other x\n")
  })

  test("--remove-retained leaves none behind", async () => {
    for (const topic of ["r/1", "r/2"])
      await run(["pub", ...broker.flags, "-t", topic, "-m", "x", "-r", "-q", "1"])
    const words = ["sub", ...broker.flags, "-t", "r/#", "-v"]
    expect((await run([...words, "--remove-retained", "-C", "2"])).out).toBe("r/1 x\nr/2 x\n")
    expect(await run([...words, "-W", "1"])).toEqual({ exitCode: 27, out: "", error: "bantam: timed out\n" })
  })

  test.skipIf(Bun.which("mosquitto_sub") === null)("-F prints what mosquitto_sub prints", async () => {
    await run([
      ...["pub", ...broker.flags, "-t", "same", "-m", '{"a": [1]}', "-r", "-q", "1"],
      ...["-D", "publish", "content-type", "json", "-D", "publish", "correlation-data", "c d"],
      ...["-D", "publish", "payload-format-indicator", "1", "-D", "publish", "response-topic", "re"],
      ...["-D", "publish", "user-property", "a", "b", "-D", "publish", "user-property", "a", "c"],
    ])
    const format = String.raw`%t|%q|%r|%l|%p|%x|%X|%A|%C|%D|%E|%F|%R|%S|%P|%%|@@|\t\\`
    const words = [...broker.flags, "-V", "5", "-t", "same", "-q", "1", "-C", "1", "-F", format]
    const theirs = await run(words, { program: ["mosquitto_sub"] })
    expect(theirs.out).toContain("same|1|1|10|")
    expect(await run(["sub", ...words])).toEqual(theirs)
  })

  test("a reader that has seen enough ends it quietly", async () => {
    const shell = `exec 3>&1; { "$@" sub ${broker.flags.join(" ")} -t pipe -q 1 -c -i pipe; echo "exit $?" >&3; } | head -1`
    await run(["sub", ...broker.flags, "-t", "pipe", "-q", "1", "-c", "-i", "pipe", "-E"])
    const stdin = "x\n".repeat(100_000)
    await run(["pub", ...broker.flags, "-t", "pipe", "-q", "1", "-l", "-M", "1000"], { stdin })
    const outcome = await run(["-c", shell, "sh", ...fromSource], { program: ["/bin/sh"] })
    expect(outcome).toEqual({ exitCode: 0, out: "x\nexit 0\n", error: "" })
  })

  test.each(["SIGINT", "SIGTERM"] as const)("%s says goodbye and exits with 0", async (signal) => {
    const running = start(["sub", ...broker.flags, "-t", "t", "-d"])
    await readUntil(running.stdout, "received SUBACK")
    running.kill(signal)
    await readUntil(running.stdout, "sending DISCONNECT")
    expect(await running.exited).toBe(0)
  })
})

describe("bantam sub and what a server may send", () => {
  test("subscribes as the options say", async () => {
    using server = startScripted(5, grants([]))
    await run([
      ...["sub", ...server.flags, "-t", "a/+", "-t", "$share/g/b", "-q", "2", "-E", "--retain-as-published"],
      ...["--retain-handling", "new", "-D", "subscribe", "subscription-identifier", "7"],
    ])
    const request = { qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 1 }
    expect(server.heard[1]).toMatchObject({
      type: "subscribe",
      requests: [
        { filter: "a/+", ...request },
        { filter: "$share/g/b", ...request },
      ],
      properties: { subscriptionIdentifiers: [7] },
    })
  })

  test.each([
    ["", 4],
    ["-x 5", 5],
    ["-D connect user-property a b", 5],
    ["--retain-as-published", 5],
  ] as const)("with '%s' and no -V, the protocol level is %d", async (words, version) => {
    using server = startScripted(version, grants([]))
    const flags = server.flags.filter((_, index) => index < 4)
    const extra = words.split(" ").filter((word) => word !== "")
    expect((await run(["sub", ...flags, "-t", "t", "-E", ...extra])).exitCode).toBe(0)
    expect(server.heard[0]).toMatchObject({ type: "connect", version })
  })

  const mixed = [kept("old"), live("1"), live("2", { topic: "hidden/x" }), live(""), live("3")]
  test.each([
    ["-C 3", "old\n1\n2\n"],
    ["-C 5 -v", "a/b old\na/b 1\nhidden/x 2\na/b (null)\na/b 3\n"],
    ["-C 3 -N", "old12"],
    ["-C 2 -R", "1\n2\n"],
    ["-C 4 -T hidden/#", "old\n1\n3\n"],
    ["--retained-only", "old\n"],
    ["-C 2 -F %t|%q|%r|%p|%l", "a/b|0|1|old|3\na/b|0|0|1|1\n"],
  ])("%s", async (words, printed) => {
    using server = startScripted(4, grants(mixed))
    const outcome = await run(["sub", ...server.flags, "-t", "#", ...words.split(" ")])
    expect(outcome).toEqual({ exitCode: 0, out: printed, error: "" })
  })

  test("after the last message wanted, nothing is acknowledged", async () => {
    const atQos1 = (id: number) => live("x", { qos: 1, packetId: packetId(id) })
    using server = startScripted(4, grants([atQos1(1), atQos1(2), atQos1(3)]))
    await run(["sub", ...server.flags, "-t", "t", "-q", "1", "-C", "2"])
    expect(server.heard.slice(2)).toMatchObject([
      { type: "puback", packetId: 1 },
      { type: "puback", packetId: 2 },
      { type: "disconnect" },
    ])
  })

  test("--remove-retained waits for the answers, and a refusal is no success", async () => {
    using server = startScripted(5, (packet) => {
      if (packet.type !== "publish" || packet.packetId === undefined) return grants([kept("old")])(packet)
      return [acknowledgement("puback", packet.packetId, ReasonCode.notAuthorized)]
    })
    expect(await run(["sub", ...server.flags, "-t", "t", "-C", "1", "--remove-retained"])).toEqual({
      exitCode: 135,
      out: "old\n",
      error: "bantam: retained message on a/b not removed: not authorized\n",
    })
  })

  test("a message that the format cannot print is told of, and leaves no trace in the output", async () => {
    using server = startScripted(4, grants([live("no json"), live("[ 1 ]")]))
    const { exitCode, out, error } = await run(["sub", ...server.flags, "-t", "t", "-C", "2", "-F", "%t %J"])
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^a\/b \{.*"payload":\[1\]\}\n$/)
    expect(error).toBe("bantam: the payload on topic a/b is not valid JSON\n")
  })

  test.each([
    [5, 135, "not authorized"],
    [4, 128, "unspecified error"],
  ] as const)(
    "when version %d refuses all subscriptions, it exits with %d",
    async (version, exitCode, name) => {
      const { notAuthorized } = ReasonCode
      using server = startScripted(version, grants([], [notAuthorized, notAuthorized]))
      expect(await run(["sub", ...server.flags, "-t", "a", "-t", "b"])).toEqual({
        exitCode,
        out: "",
        error: `bantam: all subscription requests were denied: ${name} (${exitCode})\n`,
      })
    },
  )

  test("a subscription refused among others is told of, and the others go on", async () => {
    using server = startScripted(5, grants([live("1")], [ReasonCode.grantedQos0, ReasonCode.notAuthorized]))
    expect(await run(["sub", ...server.flags, "-t", "a", "-t", "b", "-C", "1"])).toMatchObject({
      exitCode: 0,
    })
    const outcome = await run(["sub", ...server.flags, "-t", "a", "-t", "b", "-E"])
    expect(outcome.error).toBe("bantam: subscription to b denied: not authorized\n")
  })

  test("a server that says goodbye is quoted", async () => {
    const goodbye: Packet = {
      type: "disconnect",
      reasonCode: ReasonCode.sessionTakenOver,
      properties: { reasonString: "another client" },
    }
    using server = startScripted(5, grants([live("last"), goodbye]))
    expect(await run(["sub", ...server.flags, "-t", "t"])).toEqual({
      exitCode: 142,
      out: "last\n",
      error: "bantam: the server disconnected: session taken over, another client\n",
    })
  })
})

describe("bantam sub, a wrong command line", () => {
  test.each([
    ["", "no topic: add -t FILTER"],
    ["-t a/#/b", "-t a/#/b: in a topic filter + fills a whole level"],
    ["-U a+", "-U a+: in a topic filter"],
    ["-t t -T a+", "-T a+: in a topic filter"],
    ["-t t -R --retained-only", "-R and --retained-only exclude each other"],
    ["-t t -F %y", "-F %y: unknown field %y at character 1"],
    ["-t t -C 0", "must be a whole number from 1"],
    ["-t t --retain-handling sometimes", "must be always, new or never"],
    ["-t t --retain-handling constructor", "must be always, new or never"],
    ["-t t --retain-handling new -V 311", "--retain-handling needs MQTT 5"],
    ["-t t -m x", "unknown option '-m'"],
  ])("%s", async (words, problem) => {
    const { exitCode, out, error } = await run(["sub", ...words.split(" ").filter((word) => word !== "")])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
  })

  test("-h is the host, and --help is help", async () => {
    expect((await run(["sub", "--help"])).out).toContain("-h, --host <host>")
  })
})
