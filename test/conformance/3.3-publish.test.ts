import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import {
  allQos,
  allVersions,
  lasting,
  named,
  payloads,
  pingreq,
  puback,
  publish,
  publishes,
  pubrec,
  subscribe,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf, frame } from "../support/wire-notation.ts"

describe("3.3.1.1 DUP", () => {
  test("of the publisher is its own, and is not passed on [MQTT-3.3.1-3]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.sends(publish({ qos: 1, dup: true, packetId: 1 }), publish({ qos: 2, dup: true, packetId: 2 }))
    expect(publishes(subscriber.receives()).map(({ dup }) => dup)).toEqual([false, false])
  })
})

describe("3.3.1.2 QoS", () => {
  for (const published of allQos) {
    for (const granted of allQos) {
      test(`published at ${published} and granted ${granted}, it goes out at the lower [MQTT-3.8.4-8]`, async () => {
        const broker = await TestBroker.start()
        const subscriber = await broker.connected("s")
        subscriber.subscribes([{ filter: "t", qos: granted }])
        const publisher = await broker.connected("p")
        publisher.publishes({ qos: published, payload: "x" })
        expect(publishes(subscriber.receives())).toMatchObject([{ qos: Math.min(published, granted) }])
      })
    }
  }
})

describe("3.3.1.3 RETAIN", () => {
  for (const version of allVersions) {
    test(`the last retained message of a topic is for those who come later, in ${named(version)} [MQTT-3.3.1-5]`, async () => {
      const broker = await TestBroker.start()
      const publisher = await broker.connected("p", { version })
      publisher.publishes({ topic: "a/1", payload: "old", retain: true })
      publisher.publishes({ topic: "a/1", payload: "new", retain: true })
      publisher.publishes({ topic: "a/1", payload: "passing" })
      publisher.publishes({ topic: "a/2", payload: "other", retain: true })
      const late = await broker.connected("late", { version })
      late.subscribes("a/+")
      const received = publishes(late.receives())
      expect(payloads(received).toSorted()).toEqual(["new", "other"])
      expect(received.map(({ retain }) => retain)).toEqual([true, true])
    })

    test(`an empty payload removes it, in ${named(version)} [MQTT-3.3.1-6, 3.3.1-7]`, async () => {
      const broker = await TestBroker.start()
      const publisher = await broker.connected("p", { version })
      const present = await broker.connected("present", { version })
      present.subscribes("t")
      publisher.publishes({ payload: "x", retain: true })
      publisher.publishes({ payload: "", retain: true })
      const late = await broker.connected("late", { version })
      late.subscribes("t")
      expect(late.receives()).toEqual([])
      expect(broker.broker.retained.size).toBe(0)
      // To those who are there it is a message like any other.
      expect(payloads(present.receives())).toEqual(["x", ""])
    })

    test(`those who are there get it without RETAIN, in ${named(version)} [MQTT-3.3.1-12]`, async () => {
      const broker = await TestBroker.start()
      const subscriber = await broker.connected("s", { version })
      subscriber.subscribes("t")
      const publisher = await broker.connected("p", { version })
      publisher.publishes({ payload: "x", retain: true, qos: 1 })
      expect(publishes(subscriber.receives())).toMatchObject([{ retain: false }])
    })
  }

  test("what is not to be retained leaves the retained message as it is [MQTT-3.3.1-8]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "kept", retain: true })
    publisher.publishes({ payload: "" })
    const late = await broker.connected("late")
    late.subscribes("t")
    expect(payloads(late.receives())).toEqual(["kept"])
  })

  for (const published of allQos) {
    for (const granted of allQos) {
      test(`retained at QoS ${published} for a subscription of ${granted}, it goes out at the lower [MQTT-3.8.4-8]`, async () => {
        const broker = await TestBroker.start()
        const publisher = await broker.connected("p")
        publisher.publishes({ payload: "x", retain: true, qos: published })
        const late = await broker.connected("late")
        late.subscribes([{ filter: "t", qos: granted }])
        expect(publishes(late.receives())).toMatchObject([
          { qos: Math.min(published, granted), retain: true },
        ])
      })
    }
  }

  for (const [handling, first, again] of [
    [0, ["x"], ["x"]],
    [1, ["x"], []],
    [2, [], []],
  ] as const) {
    test(`retain handling ${handling} [MQTT-3.3.1-${9 + handling}]`, async () => {
      const broker = await TestBroker.start()
      const publisher = await broker.connected("p")
      publisher.publishes({ payload: "x", retain: true })
      const subscriber = await broker.connected("s")
      subscriber.subscribes([{ filter: "t", retainHandling: handling }])
      expect(payloads(subscriber.receives())).toEqual([...first])
      subscriber.subscribes([{ filter: "t", retainHandling: handling }])
      expect(payloads(subscriber.receives())).toEqual([...again])
    })
  }

  test("retain handling 1 knows the subscriptions of a session that was resumed [MQTT-3.3.1-10]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x", retain: true })
    const first = await broker.connected("s", lasting)
    first.subscribes([{ filter: "t", retainHandling: 1 }])
    first.cuts()
    const second = await broker.connected("s", lasting)
    second.subscribes([{ filter: "t", retainHandling: 1 }])
    expect(second.receives()).toEqual([])
  })

  test("retain as published keeps RETAIN as it was [MQTT-3.3.1-13]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes([{ filter: "t", retainAsPublished: true }])
    const publisher = await broker.connected("p")
    for (const qos of allQos) {
      publisher.publishes({ retain: true, qos, payload: "x" })
      publisher.publishes({ retain: false, qos, payload: "x" })
    }
    expect(publishes(subscriber.receives()).map(({ retain }) => retain)).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ])
  })

  test("what waited for an absent client goes out without RETAIN, or with it as published [MQTT-3.3.1-12]", async () => {
    const broker = await TestBroker.start()
    const plain = await broker.connected("plain", lasting)
    plain.subscribes([{ filter: "t", qos: 1 }])
    plain.cuts()
    const keeping = await broker.connected("keeping", lasting)
    keeping.subscribes([{ filter: "t", qos: 1, retainAsPublished: true }])
    keeping.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, retain: true, payload: "x" })
    expect(publishes((await broker.connected("plain", lasting)).receives())).toMatchObject([
      { retain: false },
    ])
    expect(publishes((await broker.connected("keeping", lasting)).receives())).toMatchObject([
      { retain: true },
    ])
  })

  test("more retained messages than fit one slice all come, and each once", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    for (let number = 0; number < 1_234; number++) {
      publisher.sends(publish({ topic: `r/${number}`, payload: String(number), retain: true }))
    }
    const subscriber = await broker.connected("s")
    subscriber.sends(subscribe(1, "r/#"))
    await broker.settle()
    await broker.settle()
    const received = payloads(subscriber.receives())
    expect(received).toHaveLength(1_234)
    expect(new Set(received).size).toBe(1_234)
  })
})

describe("3.3.2.1 topic name", () => {
  for (const version of allVersions) {
    test(`reaches the subscriber unchanged, byte by byte, in ${named(version)} [MQTT-1.5.4-3, 3.3.2-3]`, async () => {
      const broker = await TestBroker.start()
      const subscriber = await broker.connected("s", { version })
      subscriber.subscribes("#")
      const publisher = await broker.connected("p", { version })
      const topics = ["\ufeffa", "a//b/", "/", " ", "Ä/ä", "\u{1f980}", "a\u0301", "\ufffe"]
      for (const topic of topics) publisher.publishes({ topic })
      expect(publishes(subscriber.receives()).map(({ topic }) => topic)).toEqual(topics)
    })
  }

  test("of more levels than the limit is refused", async () => {
    const broker = await TestBroker.start({ topicLimits: { maximumBytes: 100, maximumLevels: 3 } })
    const client = await broker.connected("a")
    client.sends(publish({ topic: "1/2/3" }), publish({ topic: "1/2/3/4" }))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.topicNameInvalid }])
  })

  for (const version of allVersions) {
    test(`in our own $SYS is not published, in ${named(version)}`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("$SYS/#")
      const client = await broker.connected("a", { version })
      client.sends(
        publish({ topic: "$SYS/broker/uptime", qos: 1, packetId: 1, retain: true, payload: "lie" }),
        publish({ topic: "$SYS/broker/uptime", qos: 2, packetId: 2, retain: true, payload: "lie" }),
      )
      // Before MQTT 5.0 there is no other answer [3.1.1: MQTT-3.3.5-2].
      const reasonCode = version === 5 ? ReasonCode.notAuthorized : ReasonCode.success
      expect(client.receives()).toMatchObject([
        { type: "puback", reasonCode },
        { type: "pubrec", reasonCode },
      ])
      expect(watcher.receives()).toEqual([])
      expect(broker.broker.retained.size).toBe(0)
    })
  }
})

describe("3.3.2.3.2 payload format indicator", () => {
  test("goes to the subscriber with the message [MQTT-3.3.2-4]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "ü", properties: { payloadFormatIndicator: 1 } })
    publisher.publishes({ payload: bytesOf("ff"), properties: { payloadFormatIndicator: 0 } })
    expect(publishes(subscriber.receives()).map(({ properties }) => properties)).toEqual([
      { payloadFormatIndicator: 1 },
      { payloadFormatIndicator: 0 },
    ])
  })

  test("a payload that is not the text it says it is is refused [3.3.2.3.2]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    const words = { payload: bytesOf("c3 28"), properties: { payloadFormatIndicator: 1 } }
    publisher.sends(
      publish(words),
      publish({ ...words, qos: 1, packetId: 1 }),
      publish({ ...words, qos: 2, packetId: 2 }),
    )
    expect(publisher.receives()).toMatchObject([
      { type: "puback", packetId: 1, reasonCode: ReasonCode.payloadFormatInvalid },
      { type: "pubrec", packetId: 2, reasonCode: ReasonCode.payloadFormatInvalid },
    ])
    expect(subscriber.receives()).toEqual([])
    expect(publisher.state).toBe("open")
  })
})

describe("3.3.2.3.3 message expiry interval", () => {
  const expiring = { properties: { messageExpiryInterval: 10 } } as const
  const expiryOf = (packets: Parameters<typeof publishes>[0]) =>
    publishes(packets).map(({ properties }) => properties.messageExpiryInterval)

  test("is passed on as it came to those who are there [MQTT-3.3.2-6]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    for (const qos of allQos) publisher.publishes({ ...expiring, qos })
    expect(expiryOf(subscriber.receives())).toEqual([10, 10, 10])
  })

  test("is less by the time the message waited [MQTT-3.3.2-6]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    subscriber.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ ...expiring, qos: 1 })
    await broker.passes(7)
    publisher.publishes({ ...expiring, qos: 2 })
    const back = await broker.connected("s", lasting)
    expect(expiryOf(back.receives())).toEqual([3, 10])
  })

  test("a message that waited too long is not delivered, and is counted [MQTT-3.3.2-5]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    subscriber.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ ...expiring, qos: 1, payload: "late" })
    publisher.publishes({ qos: 1, payload: "in time" })
    await broker.passes(10)
    const back = await broker.connected("s", lasting)
    expect(payloads(back.receivesAndAnswers())).toEqual(["in time"])
    expect(broker.dropped).toEqual({ expired: 1 })
    expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
  })

  test("a message that waited for its turn behind a full window expires there [MQTT-3.3.2-5]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", { properties: { receiveMaximum: 1 } })
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "first" })
    publisher.publishes({ ...expiring, qos: 1, payload: "late" })
    publisher.publishes({ qos: 1, payload: "last" })
    await broker.passes(10)
    expect(payloads(subscriber.receivesAndAnswers())).toEqual(["first", "last"])
    expect(broker.dropped).toEqual({ expired: 1 })
  })

  test("a retained message has so much left, and then is gone [MQTT-3.3.2-5, 3.3.2-6]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    publisher.publishes({ ...expiring, retain: true, payload: "x" })
    await broker.passes(9)
    const early = await broker.connected("early")
    early.subscribes("t")
    expect(expiryOf(early.receives())).toEqual([1])
    await broker.passes(1)
    const late = await broker.connected("late")
    late.subscribes("t")
    expect(late.receives()).toEqual([])
    await broker.passes(60)
    expect(broker.broker.retained.size).toBe(0)
  })

  test("a message that was sent in time is sent again though its time is over, with nothing left [MQTT-4.4.0-1]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ ...expiring, qos: 1 })
    publisher.publishes({ ...expiring, qos: 2 })
    expect(expiryOf(subscriber.receives())).toEqual([10, 10])
    subscriber.cuts()
    await broker.passes(20)
    const back = await broker.connected("s", lasting)
    const again = back.receives()
    expect(publishes(again).map(({ dup }) => dup)).toEqual([true, true])
    expect(expiryOf(again)).toEqual([0, 0])
  })

  test("the server's maximum bounds it, and gives one to those who have none", async () => {
    const broker = await TestBroker.start({ limits: { messageExpiryMaximumSeconds: 5 } })
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes(expiring)
    publisher.publishes({})
    publisher.publishes({ properties: { messageExpiryInterval: 3 } })
    expect(expiryOf(subscriber.receives())).toEqual([5, 5, 3])
  })

  test("is not for those who speak an older MQTT, but holds for them too", async () => {
    const broker = await TestBroker.start()
    const old = await broker.connected("old", { version: 4, cleanStart: false })
    old.subscribes([{ filter: "t", qos: 1 }])
    old.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ ...expiring, qos: 1, payload: "late" })
    publisher.publishes({ properties: { messageExpiryInterval: 100 }, qos: 1, payload: "in time" })
    await broker.passes(10)
    const back = await broker.connected("old", { version: 4, cleanStart: false })
    expect(publishes(back.receivesAndAnswers())).toMatchObject([{ properties: {} }])
  })
})

describe("3.3.2.3.4 topic alias, from a client", () => {
  const alias = (topicAlias: number, topic: string, payload = "x") =>
    publish({ topic, payload, properties: { topicAlias } })

  test("stands for its topic from then on [3.3.2.3.4]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("#")
    const publisher = await broker.connected("p")
    publisher.sends(alias(1, "a"), alias(2, "b"), alias(1, ""), alias(2, ""), alias(1, "c"), alias(1, ""))
    const received = publishes(subscriber.receives())
    expect(received.map(({ topic }) => topic)).toEqual(["a", "b", "a", "b", "c", "c"])
    expect(received.every(({ properties }) => properties.topicAlias === undefined)).toBe(true)
  })

  test("is one connection's own, and dies with it [MQTT-3.3.2-7]", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("p", lasting)
    const other = await broker.connected("q")
    first.sends(alias(1, "a"))
    other.sends(alias(1, ""))
    expect(other.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
    first.cuts()
    const second = await broker.connected("p", lasting)
    second.sends(alias(1, ""))
    expect(second.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
  })

  test("up to the maximum of the CONNACK, and not beyond [MQTT-3.3.2-9]", async () => {
    const broker = await TestBroker.start({ limits: { topicAliases: 2 } })
    const client = await broker.connected("p")
    client.sends(alias(2, "a"), pingreq)
    expect(client.receives()).toEqual([{ type: "pingresp" }])
    client.sends(alias(3, "a"))
    expect(client.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.topicAliasInvalid },
    ])
  })

  test("none at all where the CONNACK allows none [MQTT-3.3.2-9]", async () => {
    const broker = await TestBroker.start({ limits: { topicAliases: 0 } })
    const client = await broker.connected("p")
    client.sends(alias(1, "a"))
    expect(client.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.topicAliasInvalid },
    ])
  })
})

describe("3.3.2.3.4 topic alias, to a client", () => {
  test("is given where the client allows it, and the topic is left out from the second time on [MQTT-3.3.2-10]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", { properties: { topicAliasMaximum: 2 } })
    subscriber.subscribes("#")
    const publisher = await broker.connected("p")
    for (const topic of ["a", "b", "c", "a", "b", "c"]) publisher.publishes({ topic })
    expect(
      publishes(subscriber.receives()).map(({ topic, properties }) => [topic, properties.topicAlias]),
    ).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", undefined],
      ["", 1],
      ["", 2],
      ["c", undefined],
    ])
  })

  test("is never given at QoS 2, where MQTT.js would hand on an empty topic", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", { properties: { topicAliasMaximum: 2 } })
    subscriber.subscribes([{ filter: "#", qos: 2 }])
    const publisher = await broker.connected("p")
    publisher.publishes({ topic: "a", qos: 1 })
    publisher.publishes({ topic: "a", qos: 2 })
    expect(
      publishes(subscriber.receives()).map(({ topic, properties }) => [topic, properties.topicAlias]),
    ).toEqual([
      ["a", 1],
      ["a", undefined],
    ])
  })

  test("is not given unless the client allows it [MQTT-3.1.2-26, 3.1.2-27]", async () => {
    const broker = await TestBroker.start()
    for (const properties of [{}, { topicAliasMaximum: 0 }]) {
      const subscriber = await broker.connected("s", { properties })
      subscriber.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({})
      publisher.publishes({})
      expect(
        publishes(subscriber.receives()).map(({ topic, properties: { topicAlias } }) => [topic, topicAlias]),
      ).toEqual([
        ["t", undefined],
        ["t", undefined],
      ])
    }
  })

  test("begins anew with each connection [MQTT-3.3.2-7]", async () => {
    const broker = await TestBroker.start()
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 100, topicAliasMaximum: 2 } }
    const first = await broker.connected("s", words)
    first.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({})
    first.cuts()
    const second = await broker.connected("s", words)
    publisher.publishes({})
    expect(publishes(second.receives())).toMatchObject([{ topic: "t", properties: { topicAlias: 1 } }])
  })

  test("is not settled by a message too large to be sent", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", {
      properties: { topicAliasMaximum: 2, maximumPacketSize: 50 },
    })
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x".repeat(50) })
    publisher.publishes({ payload: "y" })
    expect(publishes(subscriber.receives())).toMatchObject([{ topic: "t", properties: { topicAlias: 1 } }])
  })
})

describe("3.3.2.3.5 to 9 what goes from publisher to subscriber unchanged", () => {
  const properties = {
    payloadFormatIndicator: 0,
    responseTopic: "replies/a",
    correlationData: bytesOf("00 ff"),
    userProperties: [
      ["z", "1"],
      ["a", "2"],
      ["z", "1"],
      ["", ""],
    ],
    contentType: "text/plain",
  } as const

  for (const qos of allQos) {
    test(`live, at QoS ${qos} [MQTT-3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-18, 3.3.2-20]`, async () => {
      const broker = await TestBroker.start()
      const subscriber = await broker.connected("s")
      subscriber.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos, properties })
      expect(publishes(subscriber.receives())[0]?.properties).toEqual(properties)
    })
  }

  test("a response topic of more levels than a topic of ours may have, for nothing is routed by it [3.3.2.3.5]", async () => {
    const responseTopic = "r/".repeat(200)
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ properties: { responseTopic } })
    expect(publishes(subscriber.receives())).toMatchObject([{ properties: { responseTopic } }])
  })

  test("retained, queued and sent again [MQTT-3.3.2-17, 3.3.2-18]", async () => {
    const broker = await TestBroker.start()
    const absent = await broker.connected("absent", lasting)
    absent.subscribes("t")
    absent.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, retain: true, payload: "x", properties })
    const late = await broker.connected("late")
    late.subscribes("t")
    expect(publishes(late.receives())[0]?.properties).toEqual(properties)
    const back = await broker.connected("absent", lasting)
    expect(publishes(back.receives())[0]?.properties).toEqual(properties)
    back.cuts()
    const again = await broker.connected("absent", lasting)
    expect(publishes(again.receives())[0]?.properties).toEqual(properties)
  })

  test("and around it, where an alias and an expiry are cut out of its middle [MQTT-3.3.2-18]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("a", 7)
    const publisher = await broker.connected("p")
    // User property x=1, topic alias 1, user property y=2, message expiry 60, user property x=3, content type c.
    const [one, two, three] = ["26 0001'x' 0001'1'", "26 0001'y' 0001'2'", "26 0001'x' 0001'3'"]
    const section = frame("", `${one} 23 0001 ${two} 02 0000003c ${three} 03 0008'contents'`)
    publisher.sends(bytesOf(frame("30", `0001'a' ${section} 'z'`)))
    expect(publishes(subscriber.receives())[0]?.properties).toEqual({
      messageExpiryInterval: 60,
      subscriptionIdentifiers: [7],
      userProperties: [
        ["x", "1"],
        ["y", "2"],
        ["x", "3"],
      ],
      contentType: "contents",
    })
  })
})

describe("3.3.4 overlapping subscriptions", () => {
  for (const version of allVersions) {
    test(`make one delivery, at the highest QoS, in ${named(version)} [MQTT-3.3.4-2]`, async () => {
      const broker = await TestBroker.start()
      const subscriber = await broker.connected("s", { version })
      const publisher = await broker.connected("p")
      for (const [some, exact, all] of [
        [0, 2, 1],
        [2, 0, 1],
        [1, 0, 2],
      ] as const) {
        subscriber.subscribes([
          { filter: "a/+", qos: some },
          { filter: "a/b", qos: exact },
          { filter: "#", qos: all },
        ])
        publisher.publishes({ topic: "a/b", qos: 2 })
        expect(publishes(subscriber.receives())).toMatchObject([{ qos: 2 }])
      }
    })
  }

  test("bring all their identifiers [MQTT-3.3.4-3, 3.3.4-4]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("a/+", 1)
    subscriber.subscribes("a/b", 268_435_455)
    subscriber.subscribes("#", 1)
    subscriber.subscribes("a/#")
    subscriber.subscribes("other", 5)
    const publisher = await broker.connected("p")
    publisher.publishes({ topic: "a/b" })
    const [received, ...rest] = publishes(subscriber.receives())
    expect(rest).toEqual([])
    expect(received?.properties.subscriptionIdentifiers?.toSorted()).toEqual([1, 1, 268_435_455])
  })

  test("identifiers come with what was queued and what was retained too [MQTT-3.3.4-3]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes([{ filter: "t", qos: 1 }], 9)
    subscriber.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, retain: true, payload: "x" })
    const back = await broker.connected("s", lasting)
    back.subscribes([{ filter: "t", qos: 1 }], 10)
    expect(publishes(back.receives()).map(({ properties }) => properties.subscriptionIdentifiers)).toEqual([
      [9],
      [10],
    ])
  })

  test("an identifier is that of the latest subscription to its filter [3.8.4]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s")
    subscriber.subscribes("t", 1)
    subscriber.subscribes("t", 2)
    const publisher = await broker.connected("p")
    publisher.publishes({})
    expect(publishes(subscriber.receives())[0]?.properties).toEqual({ subscriptionIdentifiers: [2] })
    subscriber.subscribes("t")
    publisher.publishes({})
    expect(publishes(subscriber.receives())[0]?.properties).toEqual({})
  })

  test("a subscription identifier from a client ends its connection [MQTT-3.3.4-6]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("p")
    client.sends(publish({ properties: { subscriptionIdentifiers: [1] } }))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
  })

  test("overlapping No Local is decided for each of them [3.8.3.1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([{ filter: "t", qos: 2, noLocal: true }], 1)
    client.subscribes([{ filter: "+", qos: 0 }], 2)
    client.publishes({ qos: 1 })
    expect(publishes(client.receives())).toMatchObject([
      { qos: 0, properties: { subscriptionIdentifiers: [2] } },
    ])
    const other = await broker.connected("b")
    other.publishes({ qos: 1 })
    const [received] = publishes(client.receives())
    expect(received?.qos).toBe(1)
    expect(received?.properties.subscriptionIdentifiers?.toSorted()).toEqual([1, 2])
  })
})

describe("3.1.2.11.4 what is too large for a subscriber", () => {
  for (const qos of allQos) {
    test(`at QoS ${qos} is dropped and counted, as if it had been sent [MQTT-3.1.2-24, 3.1.2-25]`, async () => {
      const broker = await TestBroker.start()
      const small = await broker.connected("small", { properties: { maximumPacketSize: 40 } })
      const large = await broker.connected("large")
      small.subscribes("t")
      large.subscribes("t")
      const publisher = await broker.connected("p")
      publisher.publishes({ qos, payload: "x".repeat(40) })
      publisher.publishes({ qos, payload: "y" })
      expect(payloads(small.receives())).toEqual(["y"])
      expect(payloads(large.receives())).toHaveLength(2)
      expect(small.state).toBe("open")
      expect(broker.dropped).toEqual({ "too-large": 1 })
    })
  }

  test("the bound itself is not too large [MQTT-3.1.2-24]", async () => {
    const broker = await TestBroker.start()
    const subscriber = await broker.connected("s", { properties: { maximumPacketSize: 40 } })
    subscriber.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x".repeat(34) })
    expect(subscriber.receivesBytes()).toHaveLength(40)
    publisher.publishes({ payload: "x".repeat(35) })
    expect(subscriber.receivesBytes()).toHaveLength(0)
  })
})

describe("3.3.5 what the broker answers", () => {
  for (const version of allVersions) {
    test(`each QoS in its own way, in ${named(version)} [MQTT-3.3.4-1]`, async () => {
      const broker = await TestBroker.start()
      const subscriber = await broker.connected("s")
      subscriber.subscribes("t")
      const client = await broker.connected("p", { version })
      client.sends(publish({}), publish({ qos: 1, packetId: 65_535 }), publish({ qos: 2, packetId: 1 }))
      expect(client.receives()).toEqual([puback(65_535), pubrec(1)])
    })
  }

  test("that nobody is interested, since there is a code for it [3.4.2.1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("p")
    client.sends(publish({ qos: 1, packetId: 1 }), publish({ qos: 2, packetId: 2 }))
    const code = ReasonCode.noMatchingSubscribers
    expect(client.receives()).toEqual([puback(1, code), pubrec(2, code)])
  })
})
