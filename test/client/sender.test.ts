import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, bytesOf, ScriptedServer } from "./scripted-server.ts"

const atQos = (qos: 0 | 1 | 2, payload = "") => ({ topic: "t", payload: bytesOf(payload), qos })

function isPending(promise: Promise<unknown>): boolean {
  return Bun.peek.status(promise) === "pending"
}

describe("4.3.1 QoS 0", () => {
  test("is answered when the socket has it", async () => {
    const server = ScriptedServer.online()
    const answer = server.client.publish({
      ...atQos(0, "x"),
      retain: true,
      properties: { contentType: "text" },
    })
    expect((await answer).reasonCode).toBe(ReasonCode.success)
    expect(server.hears()).toEqual([
      {
        type: "publish",
        qos: 0,
        dup: false,
        retain: true,
        topic: "t",
        packetId: undefined,
        payload: bytesOf("x"),
        properties: { contentType: "text" },
      },
    ])
  })
})

describe("4.3.2 QoS 1", () => {
  test("is answered by the PUBACK, with its reason", async () => {
    const server = ScriptedServer.online()
    const answer = server.client.publish(atQos(1))
    expect(server.hears()).toMatchObject([{ type: "publish", qos: 1, packetId: 1, dup: false }])
    expect(isPending(answer)).toBe(true)
    server.says({
      ...acknowledgement("puback", 1, ReasonCode.quotaExceeded),
      properties: { reasonString: "full" },
    })
    expect(await answer).toEqual({ reasonCode: ReasonCode.quotaExceeded, detail: "full" })
  })

  test("a PUBACK that nobody waits for is no harm", () => {
    const server = ScriptedServer.online()
    server.says(acknowledgement("puback", 9), acknowledgement("pubcomp", 9))
    expect(server.socket.state).toBe("open")
  })

  test("a PUBREC to it breaks the protocol", async () => {
    const server = ScriptedServer.online()
    server.client.publish(atQos(1)).catch(() => {})
    server.says(acknowledgement("pubrec", 1))
    expect(await server.client.ended).toMatchObject({ why: "protocol-error" })
  })
})

describe("4.3.3 QoS 2", () => {
  test("is answered after PUBREC, PUBREL and PUBCOMP, with what the PUBREC said", async () => {
    const server = ScriptedServer.online()
    const answer = server.client.publish(atQos(2))
    expect(server.hears()).toMatchObject([{ type: "publish", qos: 2, packetId: 1 }])
    server.says(acknowledgement("pubrec", 1, ReasonCode.noMatchingSubscribers))
    expect(server.hears()).toEqual([acknowledgement("pubrel", 1)])
    expect(isPending(answer)).toBe(true)
    server.says(acknowledgement("pubcomp", 1))
    expect((await answer).reasonCode).toBe(ReasonCode.noMatchingSubscribers)
  })

  test("a PUBREC that refuses ends it: no PUBREL follows, and the identifier is free [MQTT-4.3.3-4]", async () => {
    const server = ScriptedServer.online({}, { properties: { receiveMaximum: 1 } })
    const answer = server.client.publish(atQos(2, "first"))
    void server.client.publish(atQos(2, "second"))
    server.hears()
    server.says(acknowledgement("pubrec", 1, ReasonCode.notAuthorized))
    expect((await answer).reasonCode).toBe(ReasonCode.notAuthorized)
    expect(server.hears()).toMatchObject([{ type: "publish", payload: bytesOf("second") }])
  })

  test("a second PUBREC gets a second PUBREL", () => {
    const server = ScriptedServer.online()
    void server.client.publish(atQos(2))
    server.hears()
    server.says(acknowledgement("pubrec", 1), acknowledgement("pubrec", 1))
    expect(server.hears()).toEqual([acknowledgement("pubrel", 1), acknowledgement("pubrel", 1)])
  })

  test("a PUBREC of an unknown identifier is released with that reason", () => {
    const server = ScriptedServer.online()
    server.says(acknowledgement("pubrec", 5))
    expect(server.hears()).toEqual([acknowledgement("pubrel", 5, ReasonCode.packetIdentifierNotFound)])
  })

  test.each(["puback", "pubcomp"] as const)(
    "a %s where a PUBREC is due breaks the protocol",
    async (type) => {
      const server = ScriptedServer.online()
      server.client.publish(atQos(2)).catch(() => {})
      server.says(acknowledgement(type, 1))
      expect(await server.client.ended).toMatchObject({ why: "protocol-error" })
    },
  )
})

describe("4.9 flow control", () => {
  test("no more than the server's Receive Maximum is unanswered, and the order stays", () => {
    const server = ScriptedServer.online({}, { properties: { receiveMaximum: 2 } })
    for (const payload of ["a", "b", "c", "d"]) void server.client.publish(atQos(1, payload))
    const payloads = () =>
      server.hears().map((packet) => packet.type === "publish" && Buffer.from(packet.payload).toString())
    expect(payloads()).toEqual(["a", "b"])
    server.says(acknowledgement("puback", 2))
    expect(payloads()).toEqual(["c"])
    server.says(acknowledgement("puback", 1))
    expect(payloads()).toEqual(["d"])
  })

  test("a message at QoS 0 does not overtake those that wait", () => {
    const server = ScriptedServer.online({ maximumInFlight: 1 })
    for (const qos of [1, 1, 0] as const) void server.client.publish(atQos(qos))
    expect(server.hears()).toMatchObject([{ qos: 1 }])
    server.says(acknowledgement("puback", 1))
    expect(server.hears()).toMatchObject([{ qos: 1 }, { qos: 0 }])
  })

  test("at QoS 2 the PUBCOMP makes room, not the PUBREC", () => {
    const server = ScriptedServer.online({}, { properties: { receiveMaximum: 1 } })
    void server.client.publish(atQos(2, "a"))
    void server.client.publish(atQos(2, "b"))
    server.hears()
    server.says(acknowledgement("pubrec", 1))
    expect(server.hears()).toEqual([acknowledgement("pubrel", 1)])
    server.says(acknowledgement("pubcomp", 1))
    expect(server.hears()).toMatchObject([{ type: "publish", payload: bytesOf("b") }])
  })

  test("the client's own bound counts as well", () => {
    const server = ScriptedServer.online({ maximumInFlight: 1 })
    void server.client.publish(atQos(1))
    void server.client.publish(atQos(1))
    expect(server.hears()).toHaveLength(1)
  })

  test("beyond the bound of those that wait the answer is quotaExceeded", async () => {
    const server = ScriptedServer.online({ maximumInFlight: 1, maximumWaiting: 1 })
    void server.client.publish(atQos(1))
    void server.client.publish(atQos(1))
    expect((await server.client.publish(atQos(1))).reasonCode).toBe(ReasonCode.quotaExceeded)
  })

  test("a network that takes no more holds messages back, and says when it takes again", async () => {
    const server = ScriptedServer.online()
    server.socket.stall(0)
    void server.client.publish(atQos(0, "x".repeat(100_000)))
    server.socket.flush()
    expect(server.client.writable).toBe(false)
    const held = server.client.publish(atQos(0, "held"))
    const writable = server.client.whenWritable()
    expect(isPending(held)).toBe(true)
    server.socket.drain()
    expect((await held).reasonCode).toBe(ReasonCode.success)
    await writable
    expect(server.hears()).toMatchObject([{ type: "publish" }, { payload: bytesOf("held") }])
  })
})

describe("what the server said it does not take is answered and not sent", () => {
  test.each([
    ["a packet beyond its maximum", { maximumPacketSize: 20 }, atQos(1, "x".repeat(20)), "packetTooLarge"],
    ["a QoS beyond its maximum", { maximumQos: 1 }, atQos(2), "qosNotSupported"],
    ["a message to retain", { retainAvailable: false }, { ...atQos(1), retain: true }, "retainNotSupported"],
    [
      "a topic alias beyond its maximum",
      { topicAliasMaximum: 2 },
      { ...atQos(1), properties: { topicAlias: 3 } },
      "topicAliasInvalid",
    ],
    [
      "a topic alias of 0",
      { topicAliasMaximum: 2 },
      { ...atQos(1), properties: { topicAlias: 0 } },
      "topicAliasInvalid",
    ],
    ["a topic with a wildcard", {}, { ...atQos(1), topic: "a/+" }, "topicNameInvalid"],
    ["an empty topic", {}, { ...atQos(1), topic: "" }, "topicNameInvalid"],
  ] as const)("%s", async (_, properties, request, reason) => {
    const server = ScriptedServer.online({}, { properties })
    expect((await server.client.publish(request)).reasonCode).toBe(ReasonCode[reason])
    expect(server.hears()).toEqual([])
    expect(server.client.writable).toBe(true)
  })

  test("a packet of just its maximum is sent", async () => {
    const server = ScriptedServer.online({}, { properties: { maximumPacketSize: 26 } })
    void server.client.publish(atQos(1, "x".repeat(18)))
    expect(server.hears()).toHaveLength(1)
  })
})
