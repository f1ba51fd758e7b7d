import { describe, expect, test } from "bun:test"
import type { Message } from "../../src/protocol/message.ts"
import { subscriptionFilterText } from "../../src/protocol/topic.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { StoreError } from "../../src/storage/store-error.ts"
import type { SessionJournal } from "../../src/storage/store.ts"
import { DeferredStore, ManualTicket } from "../support/deferred-store.ts"
import { connect, lasting, payloads, publish, subscribe, unsubscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

/** A memory store whose sessions speak through another journal. */
class JournalStore extends MemoryStore {
  readonly #wrap: (journal: SessionJournal) => SessionJournal

  constructor(wrap: (journal: SessionJournal) => SessionJournal) {
    super()
    this.#wrap = wrap
  }

  override create() {
    return { journal: this.#wrap(super.create().journal), ticket: undefined }
  }
}

function journal(inner: SessionJournal, changes: Partial<SessionJournal>): SessionJournal {
  return new Proxy(inner, {
    get(target, name) {
      const found: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name)
      return typeof found === "function" ? found.bind(target) : found
    },
  })
}

describe("what could not be stored is taken back, though the connection that waited for it is gone", () => {
  test("a QoS 2 message whose identifier was not kept is routed when it is sent again [MQTT-4.3.3-8]", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes("t")
    const publisher = await broker.connected("p", lasting)
    store.hold()
    publisher.sends(publish({ qos: 2, packetId: 7, payload: "x" }))
    publisher.cuts()
    store.fail()
    store.letGo()

    const again = await broker.connected("p", lasting)
    again.sends(publish({ qos: 2, packetId: 7, payload: "x", dup: true }))
    expect(again.receives()).toMatchObject([{ type: "pubrec", reasonCode: ReasonCode.success }])
    expect(payloads(subscriber.receives())).toEqual(["x"])
  })

  test("a subscription that was refused leaves nothing for the store to do", async () => {
    const told: string[] = []
    const store = new JournalStore((inner) =>
      journal(inner, {
        subscribed: () => new ManualTicket("failed"),
        unsubscribed: (filter) => void told.push(subscriptionFilterText({ filter, shareName: undefined })),
      }),
    )
    const broker = await TestBroker.start({ store })
    const client = await broker.connected("c", lasting)
    for (const packetId of [1, 2, 3]) client.sends(subscribe(packetId, "u"))
    expect(client.receives()).toHaveLength(3)
    expect(broker.broker.subscriptions.size).toBe(0)
    expect(told).toEqual([])
  })

  test("a subscription of a session that has ended meanwhile does not come back", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const client = await broker.connected("c", lasting)
    client.subscribes("t")
    store.hold()
    client.sends(subscribe(1, "t"))
    client.cuts()
    const session = broker.broker.sessions.find("c" as never)
    if (session !== undefined) broker.broker.sessions.end(session)
    store.fail()
    expect(broker.broker.subscriptions.size).toBe(0)
  })
})

describe("a message of a share group [4.8.2]", () => {
  test("stays with a member that leaves, when the store of no other can take it", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const first = await broker.connected("1", lasting)
    first.subscribes("$share/g/t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "x" })
    const second = await broker.connected("2", lasting)
    second.subscribes("$share/g/t")
    store.refuse()
    first.cuts()
    store.letGo()

    const back = await broker.connected("1", lasting)
    expect(payloads(back.receives())).toEqual(["x"])
  })
})

describe("a queue that cannot be read", () => {
  test("ends the connection, for a client that comes again may have more luck", async () => {
    let isReadable = true
    const store = new JournalStore((inner) =>
      journal(inner, {
        queue: (after, limit) =>
          isReadable ? inner.queue(after, limit) : Promise.reject(new StoreError("the page is gone")),
      }),
    )
    const broker = await TestBroker.start({ store })
    const client = await broker.connected("c", lasting)
    client.subscribes("t")
    client.cuts()
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "x" })
    isReadable = false
    const unlucky = broker.client("c")
    unlucky.sends(connect(5, { clientId: "c", ...lasting }))
    for (let step = 0; step < 30; step++) await Promise.resolve()
    unlucky.socket.flush()
    expect(unlucky.receives().at(-1)).toMatchObject({ type: "disconnect" })
    expect(unlucky.state).toBe("ended")
  })

  test("is read in pages of so many bytes, however many messages that is", async () => {
    const limits: number[] = []
    const store = new JournalStore((inner) =>
      journal(inner, {
        queue: (after, limit) => {
          limits.push(limit)
          return inner.queue(after, limit)
        },
      }),
    )
    const broker = await TestBroker.start({ store, limits: { inFlight: 1 } })
    const client = await broker.connected("c", lasting)
    client.subscribes("t")
    client.cuts()
    const publisher = await broker.connected("p")
    for (let count = 0; count < 8; count++)
      publisher.publishes({ qos: 1, payload: new Uint8Array(1_000_000) })
    const back = await broker.connected("c", lasting)
    expect(limits).toEqual([4])
    expect(back.receivesAndAnswers().filter(({ type }) => type === "publish")).toHaveLength(4)
  })
})

describe("retained messages", () => {
  test("that a failed commit took from the store are told to it again when it can write", async () => {
    const told: string[] = []
    class Noting extends DeferredStore {
      override retain(message?: Message) {
        told.push(message?.topic.name ?? "")
        return super.retain()
      }
    }
    const store = new Noting()
    const broker = await TestBroker.start({ store })
    const publisher = await broker.connected("p")
    store.hold()
    publisher.sends(publish({ topic: "r", qos: 1, packetId: 1, retain: true, payload: "x" }))
    store.mood = "failed"
    store.fail()
    store.letGo()
    expect(told).toEqual(["r"])
    store.mood = "healthy"
    expect(told).toEqual(["r", "r"])
  })

  test("of QoS 0 reach those who listen, even when none can be kept", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const subscriber = await broker.connected("s")
    subscriber.subscribes("r")
    const publisher = await broker.connected("p")
    store.refuse()
    publisher.sends(publish({ topic: "r", retain: true, payload: "x" }))
    expect(payloads(subscriber.receives())).toEqual(["x"])
    expect(broker.broker.retained.size).toBe(0)
    expect(broker.dropped).toEqual({ "not-stored": 1 })
  })

  test("of QoS 0 that come faster than the disk writes slow their publisher, though none is acknowledged", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    const publisher = await broker.connected("p")
    store.hold()
    store.mood = "behind"
    publisher.sends(publish({ topic: "r", retain: true, payload: "x" }))
    expect(publisher.socket.paused).toBe(true)
    store.commit()
    store.mood = "healthy"
    expect(publisher.socket.paused).toBe(false)
  })

  test("that were not sent yet are not sent any more after UNSUBSCRIBE [MQTT-3.10.4-2]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    for (const topic of ["r/1", "r/2", "r/3"]) {
      publisher.publishes({ topic, qos: 1, retain: true, payload: topic })
    }
    const client = await broker.connected("c", { properties: { receiveMaximum: 1 } })
    client.subscribes("r/#")
    client.sends(unsubscribe(1, "r/#"))
    expect(payloads(client.receivesAndAnswers())).toEqual(["r/1"])
  })

  test("are owed once to a client that subscribes again and again", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    for (const topic of ["r/1", "r/2"]) publisher.publishes({ topic, qos: 1, retain: true, payload: topic })
    const client = await broker.connected("c", { properties: { receiveMaximum: 1 } })
    for (let count = 0; count < 10; count++) client.subscribes("r/#")
    expect(payloads(client.receivesAndAnswers())).toEqual(["r/1", "r/1", "r/2"])
  })

  test("are looked for in slices, also when most topics do not match", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    for (let count = 0; count < 100; count++) {
      publisher.publishes({ topic: `r/${count}`, retain: true, payload: "x" })
    }
    const steps = [...broker.broker.retained.match("r/+/none" as never)]
    expect(steps.length).toBeGreaterThan(100)
    expect(steps.filter((each) => each !== undefined)).toEqual([])
  })

  test("are gone the moment their time is over, without a walk over all of them [MQTT-3.3.2-5]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    const expiring = (topic: string, messageExpiryInterval: number) =>
      publisher.publishes({ topic, retain: true, payload: "x", properties: { messageExpiryInterval } })
    expiring("r/1", 5)
    expiring("r/2", 5)
    expiring("r/2", 10)
    await broker.passes(5)
    expect(broker.broker.retained.size).toBe(1)
    await broker.passes(5)
    expect(broker.broker.retained.size).toBe(0)
  })
})

describe("a connection that only takes", () => {
  test("is ended by its keep alive, for reading is no Control Packet [MQTT-3.1.2-22]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("c", { keepAliveSeconds: 10, output: { highWaterBytes: 1 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    for (let seconds = 0; seconds < 16; seconds += 4) {
      client.stalls()
      publisher.sends(publish({ payload: "x" }))
      client.socket.flush()
      client.drains()
      await broker.passes(4)
    }
    expect(client.state).toBe("ended")
  })
})

describe("a will", () => {
  test("lives no longer than any message may", async () => {
    const broker = await TestBroker.start({ limits: { messageExpiryMaximumSeconds: 5 } })
    for (const properties of [{}, { messageExpiryInterval: 60 }]) {
      const client = await broker.connected("c", {
        will: { topic: "w", payload: "x", retain: true, properties },
      })
      client.cuts()
      expect(broker.broker.retained.size).toBe(1)
      await broker.passes(5)
      expect(broker.broker.retained.size).toBe(0)
    }
  })
})
