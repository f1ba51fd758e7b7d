import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authorizer } from "../../src/security/access/authorization.ts"
import {
  allVersions,
  lasting,
  named,
  payloads,
  pingreq,
  publish,
  publishes,
  subscribe,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("3.8.4 SUBSCRIBE is answered", () => {
  for (const version of allVersions) {
    test(`by a SUBACK of the same identifier with a code for each filter, in their order, in ${named(version)} [MQTT-3.8.4-1, 3.8.4-2, 3.8.4-6, 3.9.3-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(
        subscribe(77, [
          { filter: "a", qos: 2 },
          { filter: "b/#/c", qos: 1 },
          { filter: "c", qos: 0 },
          { filter: "d", qos: 1 },
        ]),
      )
      expect(client.receives()).toEqual([
        {
          type: "suback",
          packetId: 77 as never,
          reasonCodes: [
            ReasonCode.grantedQos2,
            version === 5 ? ReasonCode.topicFilterInvalid : ReasonCode.unspecifiedError,
            ReasonCode.grantedQos0,
            ReasonCode.grantedQos1,
          ],
          properties: {},
        },
      ])
    })

    test(`and what follows it in the same chunk finds it done, in ${named(version)} [MQTT-3.8.4-5]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(subscribe(1, "t"), publish({ payload: "x" }), pingreq)
      expect(client.receives().map(({ type }) => type)).toEqual(["suback", "publish", "pingresp"])
    })
  }

  test("the SUBACK comes before the retained messages", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x", retain: true })
    const client = await broker.connected("a")
    client.sends(subscribe(1, "t"))
    expect(client.receives().map(({ type }) => type)).toEqual(["suback", "publish"])
  })
})

describe("3.8.4 a subscription to the same filter", () => {
  for (const version of allVersions) {
    test(`takes the place of the one that is there, in ${named(version)} [MQTT-3.8.4-3]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes([{ filter: "a/+", qos: 2 }])
      client.subscribes([{ filter: "a/+", qos: 0 }])
      const publisher = await broker.connected("p")
      publisher.publishes({ topic: "a/b", qos: 2 })
      expect(publishes(client.receives())).toMatchObject([{ qos: 0 }])
      expect(broker.broker.subscriptions.size).toBe(1)
    })

    test(`has the retained messages sent again, in ${named(version)} [MQTT-3.8.4-4]`, async () => {
      const broker = await TestBroker.start()
      const publisher = await broker.connected("p")
      publisher.publishes({ payload: "x", retain: true })
      const client = await broker.connected("a", { version })
      client.subscribes("t")
      client.subscribes("t")
      expect(payloads(client.receives())).toEqual(["x", "x"])
    })
  }

  test("in one packet, the later one counts [3.8.4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([
      { filter: "t", qos: 2 },
      { filter: "t", qos: 0 },
    ])
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 2 })
    expect(publishes(client.receives())).toMatchObject([{ qos: 0 }])
  })

  test("does not lose a message that is on its way [MQTT-3.8.4-4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { receiveMaximum: 1 } })
    client.subscribes([{ filter: "t", qos: 1 }])
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 1, payload: "2" })
    client.subscribes([{ filter: "t", qos: 0 }])
    publisher.publishes({ qos: 1, payload: "3" })
    expect(payloads(client.receivesAndAnswers()).toSorted()).toEqual(["1", "2", "3"])
  })
})

describe("3.8.3.1 No Local", () => {
  test("keeps a client's own messages from it, and no one else's [MQTT-3.8.3-3]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([{ filter: "t", noLocal: true }])
    const other = await broker.connected("b")
    client.publishes({ payload: "mine" })
    other.publishes({ payload: "other" })
    expect(payloads(client.receives())).toEqual(["other"])
  })

  test("without it they come back [MQTT-3.8.3-3]", async () => {
    for (const version of allVersions) {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes("t")
      client.publishes({ payload: "mine", qos: 2 })
      expect(payloads(client.receives())).toEqual(["mine"])
    }
  })

  test("is the client's, not the connection's: what it said before it reconnected counts", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", lasting)
    first.subscribes([{ filter: "t", qos: 1, noLocal: true }])
    first.cuts()
    const second = await broker.connected("a", lasting)
    second.publishes({ qos: 1, payload: "mine" })
    expect(second.receives()).toEqual([])
  })

  test("a bridge of the Mosquitto family has it on each of its subscriptions, and RETAIN as published", async () => {
    const broker = await TestBroker.start()
    const bridge = await broker.connected("bridge", { version: 4, bridge: true })
    bridge.subscribes("t")
    bridge.publishes({ payload: "mine" })
    const other = await broker.connected("b")
    other.publishes({ payload: "other", retain: true })
    expect(publishes(bridge.receives())).toMatchObject([{ retain: true }])
  })
})

describe("3.9.3 a subscription that is refused", () => {
  const secret: Authorizer = {
    publish: () => "pass",
    subscribe: (_, filter) => (filter.startsWith("secret") ? "deny" : "pass"),
    read: () => "pass",
  }

  for (const version of allVersions) {
    test(`for want of rights, in ${named(version)} [3.9.3]`, async () => {
      const broker = await TestBroker.start({ authorizers: [secret] })
      const client = await broker.connected("a", { version })
      client.sends(subscribe(1, [{ filter: "secret/#" }, { filter: "$share/g/secret" }, { filter: "open" }]))
      const refused = version === 5 ? ReasonCode.notAuthorized : ReasonCode.unspecifiedError
      expect(client.receives()).toMatchObject([{ reasonCodes: [refused, refused, ReasonCode.grantedQos2] }])
      expect(broker.broker.subscriptions.size).toBe(1)
    })
  }

  test("does not disturb one that is there [3.9.3]", async () => {
    let allowed = true
    const broker = await TestBroker.start({
      authorizers: [
        { publish: () => "pass", subscribe: () => (allowed ? "pass" : "deny"), read: () => "pass" },
      ],
    })
    const client = await broker.connected("a")
    client.subscribes("t")
    allowed = false
    client.sends(subscribe(1, "t"))
    client.receives()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x" })
    expect(payloads(client.receives())).toEqual(["x"])
  })

  test("where wildcards or shares are not offered [3.2.2.3.11, 3.2.2.3.13]", async () => {
    const broker = await TestBroker.start({
      limits: { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false },
    })
    const client = await broker.connected("a")
    client.sends(
      subscribe(1, [{ filter: "a/+" }, { filter: "#" }, { filter: "$share/g/a" }, { filter: "a" }]),
    )
    expect(client.receives()).toMatchObject([
      {
        reasonCodes: [
          ReasonCode.wildcardSubscriptionsNotSupported,
          ReasonCode.wildcardSubscriptionsNotSupported,
          ReasonCode.sharedSubscriptionsNotSupported,
          ReasonCode.grantedQos2,
        ],
      },
    ])
  })

  test("for being one too many, though those that are there may be made again", async () => {
    const broker = await TestBroker.start({ limits: { subscriptionsPerClient: 2 } })
    const client = await broker.connected("a")
    client.sends(
      subscribe(1, [{ filter: "1" }, { filter: "$share/g/2" }, { filter: "3" }]),
      subscribe(2, [
        { filter: "$share/g/2", qos: 0 },
        { filter: "1", qos: 1 },
      ]),
    )
    expect(client.receives()).toMatchObject([
      { reasonCodes: [ReasonCode.grantedQos2, ReasonCode.grantedQos2, ReasonCode.quotaExceeded] },
      { reasonCodes: [ReasonCode.grantedQos0, ReasonCode.grantedQos1] },
    ])
    expect(broker.broker.subscriptions.size).toBe(2)
  })

  test("with more filters in one packet than the limit, the connection ends", async () => {
    const broker = await TestBroker.start({ limits: { subscriptionsPerPacket: 2 } })
    const client = await broker.connected("a")
    client.subscribes([{ filter: "1" }, { filter: "2" }])
    client.sends(subscribe(1, [{ filter: "1" }, { filter: "2" }, { filter: "3" }]))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.quotaExceeded }])
  })

  test("for a filter of more levels than the limit", async () => {
    const broker = await TestBroker.start({ topicLimits: { maximumBytes: 100, maximumLevels: 3 } })
    const client = await broker.connected("a")
    client.sends(subscribe(1, [{ filter: "+/+/#" }, { filter: "+/+/+/#" }]))
    expect(client.receives()).toMatchObject([
      { reasonCodes: [ReasonCode.grantedQos2, ReasonCode.topicFilterInvalid] },
    ])
  })
})

describe("3.8 what may be read is asked for each message", () => {
  const personal: Authorizer = {
    publish: () => "pass",
    subscribe: () => "pass",
    read: ({ username }, topic) => (topic.endsWith("/secret") && username !== "boss" ? "deny" : "pass"),
  }

  test("live, retained and queued", async () => {
    const broker = await TestBroker.start({ authorizers: [personal] })
    const absent = await broker.connected("absent", { ...lasting, username: "u" })
    absent.subscribes([{ filter: "#", qos: 1 }])
    absent.cuts()
    const boss = await broker.connected("boss", { username: "boss" })
    boss.subscribes([{ filter: "#", qos: 1 }])
    const live = await broker.connected("live", { username: "u" })
    live.subscribes([{ filter: "#", qos: 0 }])
    boss.publishes({ topic: "a/secret", qos: 1, retain: true, payload: "1" })
    boss.publishes({ topic: "a/open", qos: 1, retain: true, payload: "2" })
    expect(payloads(boss.receivesAndAnswers())).toEqual(["1", "2"])
    expect(payloads(live.receives())).toEqual(["2"])
    const late = await broker.connected("late", { username: "u" })
    late.subscribes("#")
    expect(payloads(late.receives())).toEqual(["2"])
    const back = await broker.connected("absent", { ...lasting, username: "u" })
    expect(payloads(back.receivesAndAnswers())).toEqual(["2"])
    expect(broker.dropped).toEqual({ "not-authorized": 3 })
    expect(broker.broker.sessions.find("absent" as never)?.load).toBe(0)
  })
})
