import { describe, expect, test } from "bun:test"
import {
  allVersions,
  lasting,
  named,
  payloads,
  puback,
  pubcomp,
  publish,
  publishes,
  pubrec,
  pubrel,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("4.3.1 QoS 0: at most once", () => {
  test("goes out with DUP 0 and without a packet identifier [MQTT-4.3.1-1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({})
    expect(publishes(client.receives())).toMatchObject([{ qos: 0, dup: false, packetId: undefined }])
  })
})

describe("4.3.2 QoS 1: at least once", () => {
  test("goes out with a packet identifier of its own and DUP 0 [MQTT-4.3.2-1, 4.3.2-2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    const publisher = await broker.connected("p")
    for (let count = 0; count < 100; count++) publisher.publishes({ qos: 1, packetId: 1 })
    const received = publishes(client.receives())
    expect(received.every(({ dup }) => !dup)).toBe(true)
    expect(new Set(received.map(({ packetId }) => packetId)).size).toBe(100)
  })

  test("a PUBLISH of the same identifier after its PUBACK is a new message [MQTT-4.3.2-5]", async () => {
    const broker = await TestBroker.start()
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    const client = await broker.connected("a")
    client.sends(publish({ qos: 1, packetId: 1, payload: "1" }))
    client.sends(publish({ qos: 1, packetId: 1, payload: "2", dup: true }))
    expect(client.receives()).toEqual([puback(1), puback(1)])
    expect(payloads(watcher.receives())).toEqual(["1", "2"])
  })
})

describe("4.3.3 QoS 2: exactly once, from a client", () => {
  for (const version of allVersions) {
    test(`a PUBLISH whose identifier still awaits PUBREL is answered, and not routed again, in ${named(version)} [MQTT-4.3.3-10]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("t")
      const client = await broker.connected("a", { version })
      client.sends(publish({ qos: 2, packetId: 7 }), publish({ qos: 2, packetId: 7, dup: true }))
      expect(client.receives()).toEqual([pubrec(7), pubrec(7)])
      expect(publishes(watcher.receives())).toHaveLength(1)
    })

    test(`once it is released, its identifier is good for another message, in ${named(version)} [MQTT-4.3.3-11, 4.3.3-12]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("t")
      const client = await broker.connected("a", { version })
      client.sends(publish({ qos: 2, packetId: 7, payload: "1" }), pubrel(7))
      client.sends(publish({ qos: 2, packetId: 7, payload: "2" }), pubrel(7))
      expect(client.receives()).toEqual([pubrec(7), pubcomp(7), pubrec(7), pubcomp(7)])
      expect(payloads(watcher.receives())).toEqual(["1", "2"])
    })

    test(`a PUBREL that is repeated is answered again, in ${named(version)} [MQTT-4.3.3-11]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("t")
      const client = await broker.connected("a", { version, ...lasting })
      client.sends(publish({ qos: 2, packetId: 7 }), pubrel(7))
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      back.sends(pubrel(7))
      expect(back.receives()).toMatchObject([{ type: "pubcomp", packetId: 7 }])
    })
  }

  test("identifiers of the two directions have nothing to do with each other [2.2.1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    client.publishes({ qos: 2, payload: "1" })
    const [own] = publishes(client.receives())
    const packetId = own?.packetId ?? 0
    client.sends(publish({ qos: 2, packetId, payload: "2" }), pubrec(packetId), pubrel(packetId))
    expect(client.receives().map(({ type }) => type)).toEqual(["publish", "pubrec", "pubrel", "pubcomp"])
  })

  test("PUBREC is not the end of a message's stay: only its QoS 1 sibling's identifier is free at once", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.sends(publish({ qos: 2, packetId: 7 }), publish({ qos: 1, packetId: 7 }))
    expect(client.receives().map(({ type }) => type)).toEqual(["pubrec", "puback"])
  })
})

describe("4.3.3 QoS 2: exactly once, to a client", () => {
  for (const version of allVersions) {
    test(`PUBLISH, PUBREC, PUBREL, PUBCOMP, in ${named(version)} [MQTT-4.3.3-1 to 4.3.3-7]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos: 2 })
      const [message] = publishes(client.receives())
      expect(message).toMatchObject({ qos: 2, dup: false })
      const packetId = message?.packetId ?? 0
      client.sends(pubrec(packetId))
      expect(client.receives()).toEqual([pubrel(packetId)])
      client.sends(pubcomp(packetId))
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      expect(back.receives()).toEqual([])
    })

    test(`after PUBREC the message is not sent again, its PUBREL is, in ${named(version)} [MQTT-4.3.3-5, 4.4.0-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos: 2, payload: "1" })
      publisher.publishes({ qos: 2, payload: "2" })
      const [first, second] = publishes(client.receives())
      client.sends(pubrec(first?.packetId ?? 0))
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      const again = back.receives()
      expect(again).toEqual([
        pubrel(first?.packetId ?? 0),
        publish({ qos: 2, dup: true, payload: "2", packetId: second?.packetId ?? 0 }),
      ])
      back.sends(pubcomp(first?.packetId ?? 0))
      expect(back.receives()).toEqual([])
    })
  }

  test("a PUBREC that is repeated is answered with PUBREL again [MQTT-4.3.3-4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 2 })
    const packetId = publishes(client.receives())[0]?.packetId ?? 0
    client.sends(pubrec(packetId), pubrec(packetId))
    expect(client.receives()).toEqual([pubrel(packetId), pubrel(packetId)])
  })
})
