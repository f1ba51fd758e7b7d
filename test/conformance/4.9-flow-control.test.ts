import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import {
  allVersions,
  lasting,
  named,
  payloads,
  pingreq,
  puback,
  pubcomp,
  publish,
  publishes,
  pubrec,
  pubrel,
} from "../support/packets.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("4.9 flow control, towards a client", () => {
  for (const qos of [1, 2] as const) {
    test(`no more messages of QoS ${qos} than its Receive Maximum are on their way [MQTT-3.3.4-9, 4.9.0-2]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { properties: { receiveMaximum: 3 } })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      for (const payload of ["1", "2", "3", "4", "5"]) publisher.publishes({ qos, payload })
      const sent = publishes(client.receives())
      expect(payloads(sent)).toEqual(["1", "2", "3"])
      const packetId = sent[1]?.packetId ?? 0
      if (qos === 1) {
        client.sends(puback(packetId))
      } else {
        client.sends(pubrec(packetId))
        // The window opens with PUBCOMP, not before [4.9].
        expect(client.receives()).toEqual([pubrel(packetId)])
        client.sends(pubcomp(packetId))
      }
      expect(payloads(client.receives())).toEqual(["4"])
    })
  }

  test("messages of QoS 0 are not held back by it [MQTT-4.9.0-3]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { receiveMaximum: 1 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 1, payload: "held" })
    publisher.publishes({ qos: 0, payload: "0" })
    client.sends(pingreq)
    expect(client.receives().map(({ type }) => type)).toEqual(["publish", "publish", "pingresp"])
  })

  for (const version of [3, 4] as const) {
    test(`our own limit holds for those who name none, in ${named(version)}`, async () => {
      const broker = await TestBroker.start({ limits: { inFlight: 2 } })
      const client = await broker.connected("a", { version })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      for (const payload of ["1", "2", "3"]) publisher.publishes({ qos: 1, payload })
      expect(payloads(client.receives())).toEqual(["1", "2"])
    })
  }

  test("each connection counts anew: what was on its way comes again within the new maximum [4.9]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.subscribes([{ filter: "t", qos: 1 }])
    const publisher = await broker.connected("p")
    for (const payload of ["1", "2", "3", "4"]) publisher.publishes({ qos: 1, payload })
    client.cuts()
    const back = await broker.connected("a", {
      cleanStart: false,
      properties: { ...lasting.properties, receiveMaximum: 2 },
    })
    expect(payloads(back.receives())).toEqual(["1", "2"])
  })
})

describe("4.9 flow control, from a client", () => {
  test("one PUBLISH of QoS 2 more than our Receive Maximum ends the connection [MQTT-3.3.4-7, 3.3.4-8]", async () => {
    const broker = await TestBroker.start({ limits: { receiveMaximum: 2 } })
    const client = await broker.connected("a")
    client.sends(publish({ qos: 2, packetId: 1 }), publish({ qos: 2, packetId: 2 }))
    expect(client.receives()).toHaveLength(2)
    // A repetition is not one more.
    client.sends(publish({ qos: 2, packetId: 2, dup: true }))
    expect(client.receives()).toHaveLength(1)
    client.sends(pubrel(1), publish({ qos: 2, packetId: 3 }))
    expect(client.receives()).toHaveLength(2)
    client.sends(publish({ qos: 2, packetId: 4 }))
    expect(client.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.receiveMaximumExceeded },
    ])
  })

  test("a PUBLISH of QoS 1 counts until its PUBACK left [4.9]", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store, limits: { receiveMaximum: 2 } })
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    const client = await broker.connected("a")
    store.hold()
    client.sends(publish({ qos: 1, packetId: 1 }), publish({ qos: 1, packetId: 2 }))
    expect(client.receives()).toEqual([])
    store.commit()
    expect(client.receives()).toEqual([puback(1), puback(2)])
    client.sends(...[3, 4, 5].map((packetId) => publish({ qos: 1, packetId })))
    expect(client.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.receiveMaximumExceeded },
    ])
  })

  for (const version of [3, 4] as const) {
    test(`a client that knows no Receive Maximum is not held to it, in ${named(version)}`, async () => {
      const store = new DeferredStore()
      const broker = await TestBroker.start({ store, limits: { receiveMaximum: 2 } })
      const subscriber = await broker.connected("s", lasting)
      subscriber.subscribes("t")
      const client = await broker.connected("a", { version })
      store.hold()
      client.sends(...[1, 2, 3, 4, 5].map((packetId) => publish({ qos: 1, packetId })))
      client.sends(...[6, 7, 8, 9].map((packetId) => publish({ qos: 2, packetId })))
      store.commit()
      expect(client.receives()).toHaveLength(9)
      expect(client.state).toBe("open")
    })
  }
})

describe("a client that does not read", () => {
  for (const version of allVersions) {
    test(`loses QoS 0, counted, and gets the rest when it reads again, in ${named(version)}`, async () => {
      const broker = await TestBroker.start({ output: { highWaterBytes: 1_000 } })
      const slow = await broker.connected("slow", { version })
      slow.subscribes("t")
      const other = await broker.connected("other")
      other.subscribes("t")
      slow.stalls()
      const publisher = await broker.connected("p")
      for (let count = 0; count < 50; count++) {
        publisher.publishes({ qos: count % 2 === 0 ? 0 : 1, payload: String(count).padEnd(100, ".") })
      }
      expect(payloads(other.receivesAndAnswers())).toHaveLength(50)
      slow.drains()
      const received = publishes(slow.receivesAndAnswers())
      const lost = broker.dropped["slow-receiver"] ?? 0
      expect(lost).toBeGreaterThan(0)
      expect(received.filter(({ qos }) => qos === 1)).toHaveLength(25)
      expect(received.filter(({ qos }) => qos === 0)).toHaveLength(25 - lost)
      expect(broker.dropped).toEqual({ "slow-receiver": lost })
    })
  }

  test("is read no further while our answers pile up, and goes on where it was", async () => {
    const broker = await TestBroker.start({ output: { highWaterBytes: 100 } })
    const client = await broker.connected("a")
    client.stalls()
    for (let count = 0; count < 200; count++) client.sends(pingreq)
    expect(client.socket.paused).toBe(true)
    client.drains()
    expect(client.receives()).toHaveLength(200)
    expect(client.state).toBe("open")
  })

  test("gets its retained messages as fast as it reads them, and all of them", async () => {
    const broker = await TestBroker.start({ output: { highWaterBytes: 1_000 } })
    const publisher = await broker.connected("p")
    for (let count = 0; count < 100; count++) {
      publisher.publishes({ topic: `r/${count}`, payload: "x".repeat(5_000), retain: true })
    }
    const slow = await broker.connected("slow")
    slow.stalls()
    slow.sends(publish({ topic: "other" }))
    const { output } = slow.socket.socket
    slow.sends(Uint8Array.of(0x82, 9, 0, 1, 0, 0, 3, 0x72, 0x2f, 0x23, 0))
    await broker.settle()
    expect(output.size).toBeLessThan(100_000)
    slow.drains()
    await broker.settle()
    expect(publishes(slow.receives())).toHaveLength(100)
    expect(broker.dropped).toEqual({})
  })
})
