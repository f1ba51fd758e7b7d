import { describe, expect, test } from "bun:test"
import { rejected } from "../support/accounts.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { payloads, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("retained messages at their bound", () => {
  test("one more topic is refused, one that is there may change or go", async () => {
    const broker = await TestBroker.start({ limits: { retainedMessages: 2 } })
    const publisher = await broker.connected("p")
    publisher.publishes({ topic: "1", retain: true, payload: "x" })
    publisher.publishes({ topic: "2", retain: true, payload: "x" })
    publisher.sends(publish({ topic: "3", retain: true, payload: "x", qos: 1, packetId: 1 }))
    expect(publisher.receives()).toMatchObject([{ type: "puback", reasonCode: ReasonCode.quotaExceeded }])
    publisher.publishes({ topic: "2", retain: true, payload: "changed", qos: 1 })
    publisher.publishes({ topic: "1", retain: true, payload: "", qos: 1 })
    publisher.publishes({ topic: "3", retain: true, payload: "in", qos: 1 })
    const late = await broker.connected("late")
    late.subscribes("#")
    expect(payloads(late.receives()).toSorted()).toEqual(["changed", "in"])
  })

  test("bytes count as well, and one that is there may be replaced by another of its size", async () => {
    const broker = await TestBroker.start({ limits: { retainedBytes: 100 } })
    const publisher = await broker.connected("p")
    publisher.publishes({ topic: "1", retain: true, payload: "x".repeat(99), qos: 1 })
    publisher.sends(publish({ topic: "2", retain: true, payload: "x", qos: 1, packetId: 1 }))
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.quotaExceeded }])
    publisher.sends(publish({ topic: "1", retain: true, payload: "y".repeat(99), qos: 1, packetId: 2 }))
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.success }])
    publisher.sends(publish({ topic: "1", retain: true, payload: "y".repeat(100), qos: 1, packetId: 3 }))
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.quotaExceeded }])
    expect(broker.broker.retained.bytes).toBe(100)
  })

  test("topics count in bytes, and so do properties", async () => {
    const broker = await TestBroker.start({ limits: { retainedBytes: 30 } })
    const publisher = await broker.connected("p")
    // 20 bytes of topic; 3 and 10 of content type.
    publisher.sends(
      publish({
        topic: "ü".repeat(10),
        retain: true,
        payload: "x",
        qos: 1,
        packetId: 1,
        properties: { contentType: "0123456789" },
      }),
    )
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.quotaExceeded }])
    publisher.publishes({ topic: "ü".repeat(10), retain: true, payload: "x".repeat(10), qos: 1 })
  })

  test("those whose time is over are gone within a minute, and make room", async () => {
    const broker = await TestBroker.start({ limits: { retainedMessages: 1 } })
    const publisher = await broker.connected("p")
    publisher.publishes({
      topic: "1",
      retain: true,
      payload: "x",
      properties: { messageExpiryInterval: 5 },
    })
    await broker.passes(61)
    publisher.sends(publish({ topic: "2", retain: true, payload: "x", qos: 1, packetId: 1 }))
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.success }])
  })
})

describe("connections at their bound", () => {
  test("one more is closed at once, whoever is here stays, and whoever goes makes room", async () => {
    const broker = await TestBroker.start({ limits: { connections: 2 } })
    const first = await broker.connected("1")
    const silent = broker.client("silent")
    const third = broker.client("3")
    expect(third.state).toBe("terminated")
    expect(first.state).toBe("open")
    silent.cuts()
    await broker.connected("3")
    expect(broker.acceptor.size).toBe(2)
    expect(broker.counters.socketsOpened).toBe(4)
  })

  test("a peer that does not read our last words is not waited for for ever", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.stalls()
    client.sends(publish({ topic: "a/#" }))
    expect(broker.acceptor.size).toBe(1)
    await broker.passes(6)
    expect(broker.acceptor.size).toBe(0)
    expect(client.state).toBe("terminated")
  })
})

describe("what a broker counts", () => {
  test("clients, packets, messages and bytes, in and out", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    const bytesBefore = { ...broker.counters }
    client.subscribes("t")
    client.publishes({ payload: "12345" })
    const { counters } = broker
    expect(client.receivesBytes()).toHaveLength(11)
    expect(counters.packetsReceived - bytesBefore.packetsReceived).toBe(2)
    expect(counters.packetsSent - bytesBefore.packetsSent).toBe(2)
    expect(counters.bytesReceived - bytesBefore.bytesReceived).toBe(9 + 11)
    expect(counters.bytesSent - bytesBefore.bytesSent).toBe(6 + 11)
    expect(counters.publishesReceived).toBe(1)
    expect(counters.publishesSent).toBe(1)
    expect(counters.publishBytesReceived).toBe(5)
    expect(counters.publishBytesSent).toBe(5)
    expect(counters.clientsConnected).toBe(1)
    client.cuts()
    expect(counters.clientsConnected).toBe(0)
  })

  test("refused connections too, in packets and bytes", async () => {
    const broker = await TestBroker.start({
      authenticator: { authenticate: () => rejected(ReasonCode.notAuthorized) },
    })
    const client = broker.client("a", { version: 4 })
    await client.asks()
    expect(broker.counters.packetsSent).toBe(1)
    expect(broker.counters.bytesSent).toBe(4)
    expect(broker.counters.connectionsAccepted).toBe(0)
  })
})
