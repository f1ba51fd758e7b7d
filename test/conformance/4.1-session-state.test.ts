import { describe, expect, test } from "bun:test"
import { allVersions, disconnect, lasting, named, payloads, publish, pubrec } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("4.1 what a session keeps while its client is away", () => {
  for (const version of allVersions) {
    test(`its subscriptions, and the messages of QoS 1 and 2 that come by them, in ${named(version)} [MQTT-4.1.0-1, 4.5.0-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      client.sends(disconnect())
      const publisher = await broker.connected("p")
      publisher.publishes({ qos: 0, payload: "0" })
      publisher.publishes({ qos: 1, payload: "1" })
      publisher.publishes({ qos: 2, payload: "2" })
      const back = await broker.connected("a", { version, ...lasting })
      expect(payloads(back.receivesAndAnswers())).toEqual(["1", "2"])
      publisher.publishes({ qos: 0, payload: "live" })
      expect(payloads(back.receives())).toEqual(["live"])
    })

    test(`identifiers it received at QoS 2, in ${named(version)} [4.1.0]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("t")
      const client = await broker.connected("a", { version, ...lasting })
      client.sends(publish({ qos: 2, packetId: 5 }))
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      back.sends(publish({ qos: 2, packetId: 5, dup: true }))
      expect(back.receives()).toEqual([pubrec(5)])
      expect(payloads(watcher.receives())).toHaveLength(1)
    })
  }

  test("what was acknowledged before the connection broke does not come again", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 2, payload: "2" })
    client.receivesAndAnswers()
    client.cuts()
    const back = await broker.connected("a", lasting)
    expect(back.receives()).toEqual([])
    expect(broker.broker.sessions.find("a" as never)?.load).toBe(0)
  })

  test("nothing remains of it when it expires, whatever it held [MQTT-4.1.0-2]", async () => {
    const broker = await TestBroker.start()
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 10 } }
    const client = await broker.connected("a", words)
    client.subscribes([{ filter: "t" }, { filter: "a/#" }, { filter: "$share/g/+" }])
    client.sends(publish({ qos: 2, packetId: 5 }))
    client.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1 })
    await broker.passes(11)
    expect(broker.broker.sessions.size).toBe(1)
    expect(broker.broker.subscriptions.size).toBe(0)
    expect(broker.broker.subscriptions.sharedSize).toBe(0)
    const back = await broker.connected("a", words)
    expect(back.receives()).toEqual([])
    publisher.sends(publish({ qos: 1, packetId: 1 }))
    expect(publisher.receives()).toMatchObject([{ type: "puback", reasonCode: 0x10 }])
  })

  test.each([-1, 1])(
    "it expires when so much time has passed, whatever the wall says (%p year)",
    async (years) => {
      const broker = await TestBroker.start()
      const words = { cleanStart: false, properties: { sessionExpiryInterval: 10 } }
      const client = await broker.connected("a", words)
      client.cuts()
      broker.clock.putForward(years * 31_536_000_000)
      await broker.passes(9)
      expect(broker.broker.sessions.size).toBe(1)
      await broker.passes(2)
      expect(broker.broker.sessions.size).toBe(0)
    },
  )

  test("what still waited for it when it expires is counted as dropped", async () => {
    const broker = await TestBroker.start()
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 10 } }
    const client = await broker.connected("a", words)
    client.subscribes([{ filter: "t", qos: 1 }])
    client.cuts()
    const publisher = await broker.connected("p")
    for (let count = 0; count < 3; count++) publisher.publishes({ qos: 1 })
    await broker.passes(11)
    expect(broker.dropped).toEqual({ "session-expired": 3 })
    expect(broker.counters.messagesQueued).toBe(0)
  })

  test("is not lost while its client is connected, however long [MQTT-4.1.0-1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { sessionExpiryInterval: 1 } })
    await broker.passes(100)
    expect(client.state).toBe("open")
    expect(broker.broker.sessions.size).toBe(1)
  })

  test("changes its version with its client: what was published in 5.0 is resumed in 3.1.1 and back", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.subscribes([{ filter: "t", qos: 1 }], 7)
    client.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "x", properties: { contentType: "c" } })
    const old = await broker.connected("a", { version: 4, cleanStart: false })
    expect(old.receives()).toMatchObject([{ type: "publish", properties: {} }])
    old.cuts()
    const modern = await broker.connected("a", lasting)
    expect(modern.receives()).toMatchObject([
      { type: "publish", properties: { contentType: "c", subscriptionIdentifiers: [7] } },
    ])
  })
})
