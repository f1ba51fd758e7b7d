import { describe, expect, test } from "bun:test"
import { SysTopics } from "../../src/broker/sys-topics.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { lasting, payloads, publish, publishes, subscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

function byTopic(packets: readonly Publish[]): Record<string, string> {
  return Object.fromEntries(packets.map((each) => [each.topic, payloads([each])[0] ?? ""]))
}

describe("the counters under $SYS", () => {
  test("are there for whoever asks, retained, and again when they have changed", async () => {
    const broker = await TestBroker.start()
    const sysTopics = new SysTopics(broker.broker, broker.clock, 10, "1.2.3")
    sysTopics.start()
    const client = await broker.connected("a")
    client.sends(subscribe(1, "$SYS/broker/+"), subscribe(2, "$SYS/broker/clients/#"))
    const before = publishes(client.receives())
    expect(before.every(({ retain }) => retain)).toBe(true)
    expect(byTopic(before)).toMatchObject({
      "$SYS/broker/version": "bantam version 1.2.3",
      "$SYS/broker/uptime": "0 seconds",
      "$SYS/broker/clients/connected": "0",
    })
    await broker.passes(10)
    const after = publishes(client.receives())
    expect(byTopic(after)).toMatchObject({
      "$SYS/broker/uptime": "10 seconds",
      "$SYS/broker/clients/connected": "1",
    })
    expect(after.every(({ retain }) => !retain)).toBe(true)
    expect(byTopic(after)).not.toHaveProperty("$SYS/broker/version")
    sysTopics.close()
    await broker.passes(10)
    expect(client.receives()).toEqual([])
  })

  test("tell what was dropped and why; what sleepers miss at QoS 0 is told apart, and not in the sum", async () => {
    const broker = await TestBroker.start({ limits: { queuedMessages: 1 } })
    const sysTopics = new SysTopics(broker.broker, broker.clock, 10, "1.2.3")
    sysTopics.start()
    const sleeper = await broker.connected("sleeper", lasting)
    sleeper.subscribes([{ filter: "t", qos: 1 }])
    sleeper.cuts()
    const client = await broker.connected("a")
    client.subscribes("$SYS/broker/publish/messages/dropped/#")
    client.receives()
    for (const qos of [0, 0, 1, 1] as const) client.publishes({ qos, topic: "t" })
    await broker.passes(10)
    expect(byTopic(publishes(client.receives()))).toEqual({
      "$SYS/broker/publish/messages/dropped": "1",
      "$SYS/broker/publish/messages/dropped/queue-full": "1",
      "$SYS/broker/publish/messages/dropped/absent": "2",
    })
    sysTopics.close()
  })

  test("tell who came by a second connection, and who was not let in", async () => {
    const broker = await TestBroker.start()
    const sysTopics = new SysTopics(broker.broker, broker.clock, 10, "1.2.3")
    sysTopics.start()
    const client = await broker.connected("watcher")
    client.subscribes("$SYS/broker/clients/+")
    client.receives()
    await broker.connected("a")
    await broker.connected("a")
    await broker.connected("a")
    broker.client("stranger").sends(new Uint8Array([0xc0, 0]))
    await broker.passes(10)
    expect(byTopic(publishes(client.receives()))).toMatchObject({
      "$SYS/broker/clients/taken-over": "2",
      "$SYS/broker/clients/refused": "1",
    })
    sysTopics.close()
  })

  test("are not there when the interval is 0", async () => {
    const broker = await TestBroker.start()
    new SysTopics(broker.broker, broker.clock, 0, "1.2.3").start()
    expect(broker.broker.retained.size).toBe(0)
  })

  test("tell who was turned away and why, and how often clients were held back", async () => {
    const broker = await TestBroker.start({ limits: { connections: 1, messagesPerSecond: 1 } })
    const sysTopics = new SysTopics(broker.broker, broker.clock, 10, "1.2.3")
    sysTopics.start()
    const client = await broker.connected("a")
    client.sends(subscribe(1, "$SYS/broker/connections/#"), subscribe(2, "$SYS/broker/clients/held-back"))
    client.receives()
    broker.client("b")
    client.sends(publish({}))
    await broker.passes(10)
    expect(byTopic(publishes(client.receives()))).toEqual({
      "$SYS/broker/connections/socket/count": "2",
      "$SYS/broker/connections/turned-away": "1",
      "$SYS/broker/connections/turned-away/full": "1",
      "$SYS/broker/clients/held-back": "1",
    })
    sysTopics.close()
  })

  test("do not come by # [MQTT-4.7.2-1]", async () => {
    const broker = await TestBroker.start()
    new SysTopics(broker.broker, broker.clock, 10, "1.2.3").start()
    const client = await broker.connected("a")
    client.subscribes("#")
    await broker.passes(10)
    expect(client.receives()).toEqual([])
  })
})
