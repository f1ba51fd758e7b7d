import { describe, expect, test } from "bun:test"
import type { ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import {
  allVersions,
  connect,
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
  subscribe,
  unsubscribe,
} from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { TestBroker } from "../support/test-broker.ts"

/** A persistent subscriber to `t`, a publisher, and a store that from now on writes when it is told to. */
async function held(version: ProtocolVersion = 5): Promise<{
  store: DeferredStore
  broker: TestBroker
  subscriber: ScriptedClient
  publisher: ScriptedClient
}> {
  const store = new DeferredStore()
  const broker = await TestBroker.start({ store })
  const subscriber = await broker.connected("s", { version, ...lasting })
  subscriber.subscribes("t")
  const publisher = await broker.connected("p", { version, ...lasting })
  store.hold()
  return { store, broker, subscriber, publisher }
}

/** The same, and a message of QoS 2 that the publisher releases: its PUBCOMP waits for the store. */
async function releasing(version: ProtocolVersion): ReturnType<typeof held> {
  const setting = await held(version)
  const { store, publisher } = setting
  store.letGo()
  publisher.sends(publish({ qos: 2, packetId: 1 }))
  publisher.receives()
  store.hold()
  publisher.sends(pubrel(1))
  return setting
}

for (const version of allVersions) {
  describe(`an acknowledgement leaves when what it promises is committed, in ${named(version)}`, () => {
    test("PUBACK", async () => {
      const { store, publisher } = await held(version)
      publisher.sends(publish({ qos: 1, packetId: 1 }))
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toEqual([puback(1)])
    })

    test("PUBREC", async () => {
      const { store, publisher } = await held(version)
      publisher.sends(publish({ qos: 2, packetId: 1 }))
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toEqual([pubrec(1)])
    })

    test("PUBREC for a repetition, whose first still waits", async () => {
      const { store, publisher } = await held(version)
      publisher.sends(publish({ qos: 2, packetId: 1 }), publish({ qos: 2, packetId: 1, dup: true }))
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toEqual([pubrec(1), pubrec(1)])
    })

    test("PUBCOMP", async () => {
      const { store, publisher } = await releasing(version)
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toEqual([pubcomp(1)])
    })

    test("PUBREL", async () => {
      const { store, publisher, subscriber } = await held(version)
      store.letGo()
      publisher.publishes({ qos: 2 })
      const packetId = publishes(subscriber.receives())[0]?.packetId ?? 0
      store.hold()
      subscriber.sends(pubrec(packetId))
      expect(subscriber.receives()).toEqual([])
      store.commit()
      expect(subscriber.receives()).toEqual([pubrel(packetId)])
    })

    test("SUBACK and UNSUBACK", async () => {
      const { store, subscriber } = await held(version)
      subscriber.sends(subscribe(1, "u"))
      expect(subscriber.receives()).toEqual([])
      store.commit()
      expect(subscriber.receives()).toMatchObject([{ type: "suback", reasonCodes: [2] }])
      subscriber.sends(unsubscribe(2, "u"))
      expect(subscriber.receives()).toEqual([])
      store.commit()
      expect(subscriber.receives()).toMatchObject([{ type: "unsuback" }])
    })

    test("CONNACK of a session that lasts, be it new or resumed", async () => {
      const { store, broker, subscriber } = await held(version)
      for (const clientId of ["new", "s"]) {
        const client = broker.client(clientId, { version })
        client.sends(connect(version, { clientId, ...lasting }), pingreq)
        await broker.settle()
        expect(client.receives()).toEqual([])
        store.commit()
        await broker.settle()
        expect(client.receives().map(({ type }) => type)).toEqual(["connack", "pingresp"])
      }
      expect(subscriber.state).toBe("ended")
    })

    test("CONNACK of one that ends with its connection at once", async () => {
      const { broker } = await held(version)
      await broker.connected("passing", { version })
    })

    test("answers behind one that waits wait as well, and keep their order [4.6]", async () => {
      const { store, publisher } = await held(version)
      publisher.sends(
        publish({ qos: 1, packetId: 1 }),
        publish({ topic: "nobody's", qos: 1, packetId: 2 }),
        publish({ qos: 2, packetId: 3 }),
      )
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toMatchObject([{ packetId: 1 }, { packetId: 2 }, { packetId: 3 }])
    })

    test("what promises nothing waits for nobody", async () => {
      const { broker } = await held(version)
      const other = await broker.connected("other", { version })
      other.sends(publish({ topic: "nobody's", qos: 1, packetId: 1 }), pingreq)
      expect(other.receives().map(({ type }) => type)).toEqual(["puback", "pingresp"])
    })

    test("one connection that waits holds no other up", async () => {
      const { broker, publisher } = await held(version)
      publisher.sends(publish({ qos: 1, packetId: 1 }))
      const watcher = await broker.connected("watcher", { version })
      watcher.subscribes("passing")
      watcher.publishes({ topic: "passing", qos: 1, payload: "x" })
      expect(payloads(watcher.receives())).toEqual(["x"])
    })

    test("a retained message is written before its PUBACK", async () => {
      const { store, publisher } = await held(version)
      publisher.sends(publish({ topic: "r", qos: 1, packetId: 1, retain: true, payload: "x" }))
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toMatchObject([{ type: "puback" }])
    })
  })

  describe(`when nothing can be written, nothing is acknowledged, in ${named(version)}`, () => {
    for (const qos of [1, 2] as const) {
      for (const how of ["later", "at once"] as const) {
        test(`a PUBLISH of QoS ${qos}, found out ${how}: MQTT 5.0 is told 0x97, before it the connection ends`, async () => {
          const { store, publisher } = await held(version)
          if (how === "at once") store.refuse()
          publisher.sends(publish({ qos, packetId: 1 }))
          if (how === "later") store.fail()
          const answer = { type: qos === 1 ? "puback" : "pubrec", reasonCode: ReasonCode.quotaExceeded }
          expect(publisher.receives()).toMatchObject(version === 5 ? [answer] : [])
          expect(publisher.state).toBe(version === 5 ? "open" : "ended")
        })
      }
    }

    test("a QoS 2 identifier that was refused is free again, and its message is a new one", async () => {
      const { store, broker, publisher, subscriber } = await held(version)
      publisher.sends(publish({ qos: 2, packetId: 1, payload: "refused" }))
      store.fail()
      publisher.receives()
      store.letGo()
      const again = version === 5 ? publisher : await broker.connected("p", { version, ...lasting })
      again.sends(publish({ qos: 2, packetId: 1, payload: "taken", dup: version !== 5 }))
      expect(again.receives()).toEqual([pubrec(1)])
      expect(payloads(subscriber.receives())).toEqual(["taken"])
    })

    test("a SUBSCRIBE is refused, and is not in force", async () => {
      const { store, publisher, subscriber } = await held(version)
      subscriber.sends(subscribe(1, "u"))
      store.fail()
      const reasonCode = version === 5 ? ReasonCode.quotaExceeded : ReasonCode.unspecifiedError
      expect(subscriber.receives()).toMatchObject([{ type: "suback", reasonCodes: [reasonCode] }])
      publisher.sends(publish({ topic: "u" }))
      expect(subscriber.receives()).toEqual([])
    })

    test("a SUBSCRIBE that would replace another is refused, and the other stays", async () => {
      const { store, broker, publisher, subscriber } = await held(version)
      subscriber.sends(subscribe(1, [{ filter: "t", qos: 0 }]))
      store.fail()
      expect(subscriber.receives()[0]).toHaveProperty("type", "suback")
      expect(broker.broker.subscriptions.size).toBe(1)
      store.letGo()
      publisher.publishes({ qos: 1 })
      expect(publishes(subscriber.receives())).toMatchObject([{ qos: 1 }])
    })

    test.each([
      ["u", [["u"], ["u"]], undefined],
      ["u", [["u", "u"], ["u"]], undefined],
      ["t", [["t"], ["t"]], 2],
      ["t", [["t", "t"], ["t"]], 2],
    ] as const)(
      "SUBSCRIBEs to %s one after the other are refused, and what was there before is in force",
      async (topic, packets, qos) => {
        const { store, broker, publisher, subscriber } = await held(version)
        for (const [index, filters] of packets.entries()) {
          const requests = filters.map((filter) => ({ filter, qos: 0 as const }))
          subscriber.sends(subscribe(index + 1, requests))
        }
        store.fail()
        expect(subscriber.receives()).toMatchObject(packets.map(() => ({ type: "suback" })))
        expect(broker.broker.subscriptions.size).toBe(1)
        store.letGo()
        publisher.publishes({ topic, qos: 2 })
        expect(publishes(subscriber.receives()).map((each) => each.qos)).toEqual(
          qos === undefined ? [] : [qos],
        )
      },
    )

    test("an UNSUBSCRIBE waits until it can be written", async () => {
      const { store, subscriber } = await held(version)
      subscriber.sends(unsubscribe(1, "t"))
      store.fail()
      expect(subscriber.receives()).toEqual([])
      store.commit()
      expect(subscriber.receives()).toMatchObject([{ type: "unsuback" }])
    })

    test("a PUBREL waits until it can be written", async () => {
      const { store, publisher } = await releasing(version)
      store.fail()
      expect(publisher.receives()).toEqual([])
      store.commit()
      expect(publisher.receives()).toEqual([pubcomp(1)])
    })

    test("a PUBREC whose release cannot be kept ends the connection, for no PUBREL may follow", async () => {
      const { store, publisher, subscriber } = await held(version)
      store.letGo()
      publisher.publishes({ qos: 2 })
      const packetId = publishes(subscriber.receives())[0]?.packetId ?? 0
      store.hold()
      subscriber.sends(pubrec(packetId))
      store.fail()
      expect(subscriber.receives().some(({ type }) => type === "pubrel")).toBe(false)
      expect(subscriber.state).toBe("ended")
    })

    test("a new session is refused, and nothing of it is left", async () => {
      const { store, broker } = await held(version)
      const client = broker.client("new", { version })
      client.sends(connect(version, { clientId: "new", ...lasting }))
      await broker.settle()
      store.fail()
      await broker.settle()
      expect(client.receives()).toMatchObject([
        {
          type: "connack",
          sessionPresent: false,
          reasonCode: version === 5 ? ReasonCode.quotaExceeded : ReasonCode.serverUnavailable,
        },
      ])
      expect(client.state).toBe("ended")
      expect(broker.broker.sessions.find("new" as never)).toBeUndefined()
    })

    test("a session that cannot be resumed is refused, and is there when it can", async () => {
      const { store, broker, publisher, subscriber } = await held(version)
      store.letGo()
      subscriber.cuts()
      publisher.publishes({ qos: 1, payload: "x" })
      store.hold()
      const client = broker.client("s", { version })
      client.sends(connect(version, { clientId: "s", ...lasting }))
      await broker.settle()
      store.fail()
      await broker.settle()
      expect(client.receives()).toMatchObject([{ type: "connack", sessionPresent: false }])
      expect(client.state).toBe("ended")
      store.letGo()
      const back = await broker.connected("s", { version, ...lasting })
      expect(payloads(back.receives())).toEqual(["x"])
    })
  })
}

describe("a session that cannot be resumed for now", () => {
  test("ends when it would have ended, and its will comes when it would have come", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("will")
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 100 } }
    const client = await broker.connected("s", {
      ...words,
      will: { topic: "will", payload: "gone", properties: { willDelayInterval: 50 } },
    })
    client.cuts()
    await broker.passes(40)
    store.hold()
    const refused = broker.client("s")
    refused.sends(connect(5, { clientId: "s", ...words }))
    await broker.settle()
    store.fail()
    await broker.settle()
    expect(refused.receives()).toMatchObject([{ reasonCode: ReasonCode.quotaExceeded }])
    store.letGo()
    await broker.passes(9)
    expect(watcher.receives()).toEqual([])
    await broker.passes(1)
    expect(payloads(watcher.receives())).toEqual(["gone"])
    await broker.passes(51)
    expect(broker.broker.sessions.find("s" as never)).toBeUndefined()
  })
})

describe("what a subscriber sees before the commit", () => {
  test("QoS 1 goes out at once: a crash can at worst repeat it", async () => {
    const { publisher, subscriber } = await held()
    publisher.sends(publish({ qos: 1, packetId: 1, payload: "x" }))
    expect(payloads(subscriber.receives())).toEqual(["x"])
  })

  test("QoS 2 to a session that lasts goes out after it, for its identifier must not come to mean another", async () => {
    const { store, publisher, subscriber } = await held()
    publisher.sends(publish({ qos: 2, packetId: 1, payload: "x" }))
    expect(subscriber.receives()).toEqual([])
    store.commit()
    expect(payloads(subscriber.receives())).toEqual(["x"])
  })

  test("QoS 2 to a session that ends with its connection goes out at once", async () => {
    const { store, broker, publisher } = await held()
    store.letGo()
    const passing = await broker.connected("passing")
    passing.subscribes("t")
    store.hold()
    publisher.sends(publish({ qos: 2, packetId: 1, payload: "x" }))
    expect(payloads(passing.receives())).toEqual(["x"])
  })

  test("QoS 1 behind a QoS 2 that waits keeps its place [4.6]", async () => {
    const { store, publisher, subscriber } = await held()
    publisher.sends(
      publish({ qos: 2, packetId: 1, payload: "1" }),
      publish({ qos: 1, packetId: 2, payload: "2" }),
    )
    store.commit()
    expect(payloads(subscriber.receives())).toEqual(["1", "2"])
  })

  test("a QoS 2 message that could not be stored never goes out, and is counted", async () => {
    const { store, broker, publisher, subscriber } = await held()
    publisher.sends(publish({ qos: 2, packetId: 1, payload: "x" }))
    store.fail()
    expect(subscriber.receives()).toEqual([])
    expect(broker.dropped).toEqual({ "not-stored": 1 })
    expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
  })

  test("a retained message that could not be stored is not the retained message", async () => {
    const { store, broker, publisher } = await held()
    store.refuse()
    publisher.sends(publish({ topic: "r", qos: 1, packetId: 1, retain: true, payload: "x" }))
    expect(publisher.receives()).toMatchObject([{ reasonCode: ReasonCode.quotaExceeded }])
    expect(broker.broker.retained.size).toBe(0)
  })

  test("retained messages behind a QoS 2 one that could not be stored still come", async () => {
    const { store, broker, publisher, subscriber } = await held()
    store.letGo()
    for (const [qos, topic] of [
      [2, "r/1"],
      [0, "r/2"],
      [0, "r/3"],
    ] as const) {
      publisher.publishes({ topic, qos, payload: topic, retain: true })
    }
    subscriber.subscribes("other")
    store.hold()
    subscriber.sends(subscribe(1, "r/+"))
    store.commit()
    store.fail()
    await broker.settle()
    store.letGo()
    await broker.settle()
    expect(payloads(subscriber.receives())).toEqual(["r/2", "r/3"])
  })
})

describe("a store that takes nothing", () => {
  test("is felt by who publishes, and by nobody else, whatever stands behind it in one chunk", async () => {
    const { store, broker, publisher } = await held(4)
    const other = await broker.connected("other")
    store.refuse()
    publisher.sendsTogether(
      publish({ qos: 1, packetId: 1 }),
      publish({ topic: "elsewhere", qos: 1, packetId: 2 }),
    )
    expect(publisher.state).toBe("ended")
    other.sends(pingreq)
    expect(other.receives()).toHaveLength(1)
    other.subscribes("elsewhere")
    other.publishes({ topic: "elsewhere", payload: "all is well" })
    expect(payloads(other.receives())).toEqual(["all is well"])
  })

  for (const version of allVersions) {
    for (const [name, words] of [
      ["a publisher whose session is kept", lasting],
      ["a publisher whose session is not", {}],
    ] as const) {
      test(`keeps a message of QoS 2 from all, or some had it twice: ${name}, ${named(version)} [4.3.3]`, async () => {
        const store = new DeferredStore()
        const broker = await TestBroker.start({ store })
        const asleep = await broker.connected("asleep", lasting)
        asleep.subscribes([{ filter: "t", qos: 2 }])
        asleep.cuts()
        const passing = await broker.connected("passing")
        passing.subscribes([{ filter: "t", qos: 2 }])
        const publisher = await broker.connected("p", { version, ...words })
        store.refuse()
        store.mood = "failed"
        publisher.sends(publish({ qos: 2, packetId: 1, payload: "once" }))
        expect(payloads(passing.receivesAndAnswers())).toEqual([])
        expect(broker.dropped).toEqual({ "not-stored": 1 })
        store.letGo()
        store.mood = "healthy"
        const again = version === 5 ? publisher : await broker.connected("p", { version, ...words })
        again.receives()
        again.sends(publish({ qos: 2, packetId: 1, payload: "once", dup: version !== 5 }))
        expect(payloads(passing.receivesAndAnswers())).toEqual(["once"])
      })
    }
  }

  test("does not concern a message of QoS 2 that nobody has to have stored", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const passing = await broker.connected("passing")
    passing.subscribes([{ filter: "t", qos: 2 }])
    const publisher = await broker.connected("p")
    store.refuse()
    store.mood = "failed"
    publisher.sends(publish({ qos: 2, packetId: 1, payload: "for now" }))
    expect(publisher.receives()).toEqual([pubrec(1)])
    expect(payloads(passing.receivesAndAnswers())).toEqual(["for now"])
  })
})

describe("while nothing can be stored", () => {
  test("an MQTT 3.1.1 publisher is closed on, though an answer before that waits for the disk", async () => {
    const { store, broker, publisher } = await releasing(4)
    store.fail()
    store.refuse()
    store.mood = "failed"
    publisher.sends(publish({ qos: 1, packetId: 2 }))
    expect(publisher.state).not.toBe("open")
    expect(broker.dropped).toEqual({ "not-stored": 1 })
  })

  test("who is owed more answers than there are packet identifiers is disconnected", async () => {
    const { store, publisher } = await held()
    store.letGo()
    publisher.subscribes("u")
    store.hold()
    publisher.sends(unsubscribe(1, "u"))
    store.fail()
    store.refuse()
    store.mood = "failed"
    const many = Array.from({ length: 70_000 }, () => pubrel(7))
    publisher.sendsTogether(...many)
    expect(publisher.state).toBe("open")
    publisher.sendsTogether(...many)
    expect(publisher.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.quotaExceeded }])
  })
})

describe("a store that is behind", () => {
  test("slows who publishes durably, and nobody else; when it has caught up they go on", async () => {
    const { store, broker, publisher } = await held()
    const other = await broker.connected("other")
    store.mood = "behind"
    publisher.sends(publish({ qos: 1, packetId: 1 }))
    expect(publisher.socket.paused).toBe(true)
    publisher.sends(pingreq)
    other.sends(pingreq)
    expect(other.receives()).toHaveLength(1)
    expect(publisher.receives()).toEqual([])
    store.commit()
    store.mood = "healthy"
    expect(publisher.receives()).toMatchObject([{ type: "puback" }, { type: "pingresp" }])
  })

  test("does not end a connection for a silence that is ours", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    const publisher = await broker.connected("p", { keepAliveSeconds: 10 })
    store.hold()
    store.mood = "behind"
    publisher.sends(publish({ qos: 1, packetId: 1 }))
    publisher.sends(pingreq)
    await broker.passes(60)
    expect(publisher.state).toBe("open")
    store.commit()
    store.mood = "healthy"
    expect(publisher.receives()).toMatchObject([{ type: "puback" }, { type: "pingresp" }])
  })
})
