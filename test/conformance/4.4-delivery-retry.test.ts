import { describe, expect, test } from "bun:test"
import { encodePacket } from "../../src/protocol/encoder.ts"
import {
  allVersions,
  connect,
  lasting,
  named,
  payloads,
  puback,
  publishes,
  subscribe,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("4.4 message delivery retry", () => {
  for (const version of allVersions) {
    test(`what was not acknowledged is sent again, in order, with DUP and the same identifiers, in ${named(version)} [MQTT-4.4.0-1, 3.3.1-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      for (const [index, payload] of ["1", "2", "3", "4"].entries()) {
        publisher.publishes({ qos: index % 2 === 0 ? 1 : 2, payload })
      }
      const first = publishes(client.receives())
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      const second = publishes(back.receives())
      expect(first.map(({ dup }) => dup)).toEqual([false, false, false, false])
      expect(second).toEqual(first.map((message) => ({ ...message, dup: true })))
    })

    test(`what only waited goes out without DUP, in ${named(version)} [MQTT-3.3.1-1]`, async () => {
      const broker = await TestBroker.start({ limits: { inFlight: 1 } })
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      for (const payload of ["sent", "waiting"]) publisher.publishes({ qos: 1, payload })
      expect(payloads(client.receives())).toEqual(["sent"])
      client.cuts()
      publisher.publishes({ qos: 1, payload: "absent" })
      const back = await broker.connected("a", { version, ...lasting })
      const dups = publishes(back.receivesAndAnswers()).map(({ dup, payload }) => [
        new TextDecoder().decode(payload),
        dup,
      ])
      expect(dups).toEqual([
        ["sent", true],
        ["waiting", false],
        ["absent", false],
      ])
    })

    test(`nothing is sent again while the connection holds, in ${named(version)} [MQTT-4.4.0-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos: 1 })
      publisher.publishes({ qos: 2 })
      expect(client.receives()).toHaveLength(2)
      await broker.passes(10_000)
      expect(client.receives()).toEqual([])
    })
  }

  test("a takeover counts as a reconnect [MQTT-4.4.0-1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "x" })
    const [sent] = publishes(client.receives())
    const second = await broker.connected("a", lasting)
    expect(publishes(second.receives())).toMatchObject([{ dup: true, packetId: sent?.packetId as never }])
    // What the first one still says is read no more.
    client.sends(puback(sent?.packetId ?? 0))
    const third = await broker.connected("a", lasting)
    expect(publishes(third.receives())).toMatchObject([{ dup: true }])
  })

  test("what comes while the queue is read back keeps its place behind it [4.6]", async () => {
    const broker = await TestBroker.start({ limits: { windowMessages: 2, inFlight: 3 } })
    const client = await broker.connected("a", lasting)
    client.subscribes([{ filter: "t", qos: 1 }])
    client.cuts()
    const publisher = await broker.connected("p")
    for (let count = 0; count < 20; count++) publisher.publishes({ qos: 1, payload: String(count) })
    const back = await broker.connected("a", lasting)
    const received: string[] = []
    for (let count = 20; count < 40; count++) {
      publisher.publishes({ qos: 1, payload: String(count) })
      const packets = publishes(back.receives())
      received.push(...payloads(packets))
      for (const { packetId } of packets) back.sends(puback(packetId ?? 0))
      await broker.settle()
    }
    for (let round = 0; round < 40; round++) {
      received.push(...payloads(back.receivesAndAnswers()))
      await broker.settle()
    }
    expect(received).toEqual(Array.from({ length: 40 }, (_, index) => String(index)))
    expect(broker.broker.sessions.find("a" as never)?.load).toBe(0)
  })

  test("retained messages asked for meanwhile come even if nothing of the queue is left to send", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.subscribes([{ filter: "t", qos: 1 }])
    client.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "late", properties: { messageExpiryInterval: 1 } })
    publisher.publishes({ topic: "r", payload: "retained", retain: true })
    await broker.passes(2)
    const back = broker.client("a")
    // In one chunk, so that SUBSCRIBE is read before the queue is.
    const packets = [connect(5, { clientId: "a", ...lasting }), subscribe(1, "r")]
    back.sends(new Uint8Array(Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))))
    await broker.settle()
    expect(payloads(back.receives())).toEqual(["retained"])
  })

  test("65,535 messages later an identifier that is still in flight is not given to another [MQTT-2.2.1-4]", async () => {
    const broker = await TestBroker.start({ limits: { inFlight: 65_535 } })
    const client = await broker.connected("a")
    client.subscribes([{ filter: "t", qos: 1 }])
    const publisher = await broker.connected("p")
    const inUse = new Set<number>()
    let held: number | undefined
    for (let round = 0; round < 70; round++) {
      for (let count = 0; count < 1_000; count++) publisher.publishes({ qos: 1, payload: "x" })
      for (const { packetId = 0 } of publishes(client.receives())) {
        expect(inUse.has(packetId)).toBe(false)
        inUse.add(packetId)
        if (held === undefined) {
          held = packetId
          continue
        }
        client.sends(puback(packetId))
        inUse.delete(packetId)
      }
    }
    expect(inUse.size).toBe(1)
    client.sends(puback(held ?? 0))
    expect(publishes(client.receives()).length).toBeGreaterThan(0)
  })
})
