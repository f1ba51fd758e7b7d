import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { allVersions, lasting, named, payloads, subscribe, unsubscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("3.10.4 UNSUBSCRIBE", () => {
  for (const version of allVersions) {
    test(`is answered with the same identifier, and a code for each filter from MQTT 5.0 on, in ${named(version)} [MQTT-3.10.4-4, 3.10.4-5, 3.11.3-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes([{ filter: "a" }, { filter: "b/#" }, { filter: "$share/g/c" }])
      client.sends(unsubscribe(9, "a", "never", "b/#", "b/#/c", "$share/g/c", "c"))
      expect(client.receives()).toEqual([
        {
          type: "unsuback",
          packetId: 9 as never,
          reasonCodes:
            version === 5
              ? [
                  ReasonCode.success,
                  ReasonCode.noSubscriptionExisted,
                  ReasonCode.success,
                  ReasonCode.topicFilterInvalid,
                  ReasonCode.success,
                  ReasonCode.noSubscriptionExisted,
                ]
              : [],
          properties: {},
        },
      ])
      expect(broker.broker.subscriptions.size).toBe(0)
      expect(broker.broker.subscriptions.sharedSize).toBe(0)
    })

    test(`no more messages are added, in ${named(version)} [MQTT-3.10.4-2]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes([{ filter: "a/+" }, { filter: "a/b" }])
      const publisher = await broker.connected("p")
      client.sends(unsubscribe(1, "a/+"))
      publisher.publishes({ topic: "a/b", payload: "by the other" })
      publisher.publishes({ topic: "a/c", payload: "by none" })
      expect(payloads(client.receives())).toEqual(["by the other"])
    })

    test(`what is on its way at QoS 1 and 2 is delivered to the end, in ${named(version)} [MQTT-3.10.4-3]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, ...lasting })
      client.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos: 1, payload: "1" })
      publisher.publishes({ qos: 2, payload: "2" })
      client.sends(unsubscribe(1, "t"))
      client.cuts()
      const back = await broker.connected("a", { version, ...lasting })
      expect(payloads(back.receivesAndAnswers())).toEqual(["1", "2"])
    })
  }

  test("no retained messages come of a subscription that was taken back while it was stored [MQTT-3.10.4-2]", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const publisher = await broker.connected("p")
    publisher.publishes({ topic: "r/1", payload: "kept", retain: true })
    const client = await broker.connected("a", lasting)
    store.hold()
    client.sends(subscribe(1, "r/#"), unsubscribe(2, "r/#"))
    store.letGo()
    await broker.settle()
    expect(client.receives().map(({ type }) => type)).toEqual(["suback", "unsuback"])
  })

  test("compares filters character by character [MQTT-3.10.4-1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([{ filter: "a/b" }, { filter: "a/+" }])
    client.sends(unsubscribe(1, "a/#", "A/b", "+/b", "a/b/"))
    const none = ReasonCode.noSubscriptionExisted
    expect(client.receives()).toMatchObject([{ reasonCodes: [none, none, none, none] }])
    expect(broker.broker.subscriptions.size).toBe(2)
  })

  test("a subscription of one's own and a shared one to the same filter are two [4.8.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([{ filter: "t" }, { filter: "$share/g/t" }])
    client.sends(unsubscribe(1, "t"))
    client.receives()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x" })
    expect(payloads(client.receives())).toEqual(["x"])
  })
})
