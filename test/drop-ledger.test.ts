import { describe, expect, test } from "bun:test"
import { DropLedger } from "../src/drop-ledger.ts"
import type { PacketId } from "../src/protocol/packet.ts"
import type { Authorizer } from "../src/security/access/authorization.ts"
import { type Drops, mostStoredDrops } from "../src/storage/drop-store.ts"
import { MemoryStore } from "../src/storage/memory-store.ts"
import { watchBroker } from "../src/watch-broker.ts"
import { DeferredStore } from "./support/deferred-store.ts"
import { lasting, puback, publish, publishes as publishesOf } from "./support/packets.ts"
import { silentLog } from "./support/silent-log.ts"
import { TestBroker, type TestBrokerOptions } from "./support/test-broker.ts"
import { TurnedClock } from "./support/turned-clock.ts"

interface House {
  readonly broker: TestBroker
  /** What is in the ledger a second later, as client, reason, topics, messages, bytes. */
  rows(): Promise<unknown[]>
}

async function houseWith(options: TestBrokerOptions = {}): Promise<House> {
  const store = options.store ?? new MemoryStore()
  const broker = await TestBroker.start({ ...options, store })
  new DropLedger(store.drops, broker.clock, silentLog).listen(broker.broker.hook)
  return {
    broker,
    rows: async () => {
      await broker.passes(1)
      const kept = await store.drops.drops({ limit: mostStoredDrops })
      return kept.map(({ clientId, why, prefix, messages, bytes }) => [
        clientId,
        why,
        prefix,
        messages,
        bytes,
      ])
    },
  }
}

/** A subscriber to everything, with a session that stays. */
async function subscriberOf({ broker }: House, words = {}) {
  const subscriber = await broker.connected("s", { ...lasting, ...words })
  subscriber.subscribes([{ filter: "#", qos: 2 }])
  return subscriber
}

const denying = (what: Partial<Authorizer>): Authorizer => {
  return { publish: () => "pass", subscribe: () => "pass", read: () => "pass", ...what }
}

const topic = "house/hall/lamp"
/** With the payload `x`, and no properties. */
const bytesOfOne = topic.length + 1

describe("the drop ledger knows who lost what, and why", () => {
  for (const whenFull of ["drop-oldest", "drop-newest"] as const) {
    test(`a queue full of messages, ${whenFull}`, async () => {
      const house = await houseWith({ limits: { queuedMessages: 10, whenFull } })
      const subscriber = await subscriberOf(house)
      subscriber.cuts()
      const publisher = await house.broker.connected("p")
      for (let count = 0; count < 50; count++) publisher.publishes({ topic, qos: 1, payload: "x" })
      // Which message the store gave up nobody knows, but that all are of one size.
      const prefix = whenFull === "drop-oldest" ? "" : "house/hall"
      expect(await house.rows()).toEqual([["s", "queue-full", prefix, 40, 40 * bytesOfOne]])
    })
  }

  test("a queue full of bytes", async () => {
    const house = await houseWith({ limits: { queuedBytes: 3 * bytesOfOne, whenFull: "drop-newest" } })
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    for (let count = 0; count < 5; count++) publisher.publishes({ topic, qos: 1, payload: "x" })
    expect(await house.rows()).toEqual([["s", "queue-full", "house/hall", 2, 2 * bytesOfOne]])
  })

  test("a queue that is full, where publishers are refused: it is the publisher's loss", async () => {
    const house = await houseWith({ limits: { queuedMessages: 1, whenFull: "reject" } })
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    publisher.sends(...[1, 2, 3].map((packetId) => publish({ topic, qos: 1, packetId, payload: "x" })))
    expect(await house.rows()).toEqual([["p", "queue-full", "house/hall", 2, 2 * bytesOfOne]])
  })

  test("what expired before its turn", async () => {
    const house = await houseWith()
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    publisher.publishes({ topic, qos: 1, payload: "x", properties: { messageExpiryInterval: 5 } })
    await house.broker.passes(6)
    await house.broker.connected("s", lasting)
    expect(await house.rows()).toEqual([["s", "expired", "house/hall", 1, bytesOfOne]])
  })

  test("what is too large for the client", async () => {
    const house = await houseWith()
    await subscriberOf(house, { properties: { maximumPacketSize: 40 } })
    const publisher = await house.broker.connected("p")
    for (const qos of [0, 1] as const) publisher.publishes({ topic, qos, payload: "x".repeat(40) })
    expect(await house.rows()).toEqual([["s", "too-large", "house/hall", 2, 2 * (topic.length + 40)]])
  })

  test("QoS 0 for a client that reads too slowly, one by one and in a run", async () => {
    const house = await houseWith({ output: { highWaterBytes: 100 } })
    const subscriber = await subscriberOf(house)
    subscriber.stalls()
    const publisher = await house.broker.connected("p")
    publisher.publishes({ topic: "fill", payload: "x".repeat(200) })
    const small = publish({ topic, payload: "x" })
    publisher.sendsTogether(small, small, small)
    publisher.sends(publish({ topic, payload: "x", properties: { messageExpiryInterval: 5 } }))
    expect(await house.rows()).toEqual([["s", "slow-receiver", "house/hall", 4, 4 * bytesOfOne]])
    expect(house.broker.dropped).toEqual({ "slow-receiver": 4 })
  })

  test("QoS 0 for a client that is away, one by one and in a run", async () => {
    const house = await houseWith()
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    const small = publish({ topic, payload: "x" })
    publisher.sendsTogether(small, small, small)
    publisher.sends(publish({ topic, payload: "x", properties: { messageExpiryInterval: 5 } }))
    expect(await house.rows()).toEqual([["s", "absent", "house/hall", 4, 4 * bytesOfOne]])
  })

  test("what a client may not read", async () => {
    const house = await houseWith({ authorizers: [denying({ read: () => "deny" })] })
    await subscriberOf(house)
    const publisher = await house.broker.connected("p")
    for (const qos of [0, 1, 2] as const) publisher.publishes({ topic, qos, payload: "x" })
    expect(await house.rows()).toEqual([["s", "not-authorized", "house/hall", 3, 3 * bytesOfOne]])
  })

  test("what a client may not publish, one by one and in a run", async () => {
    const house = await houseWith({ authorizers: [denying({ publish: () => "deny" })] })
    const publisher = await house.broker.connected("p")
    const small = publish({ topic, payload: "x" })
    publisher.sendsTogether(small, small)
    publisher.sends(publish({ topic, qos: 2, packetId: 1, payload: "x" }))
    expect(await house.rows()).toEqual([["p", "not-authorized", "house/hall", 3, 3 * bytesOfOne]])
  })

  test("a will that its client may not publish any more", async () => {
    let verdict: "pass" | "deny" = "pass"
    const house = await houseWith({ authorizers: [denying({ publish: () => verdict })] })
    const client = await house.broker.connected("w", { will: { topic, payload: "x" } })
    verdict = "deny"
    client.cuts()
    expect(await house.rows()).toEqual([["w", "not-authorized", "house/hall", 1, bytesOfOne]])
  })

  test("what a failed store refuses for a session that it should keep", async () => {
    const store = new DeferredStore()
    const house = await houseWith({ store })
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    store.refuse()
    publisher.sends(publish({ topic, qos: 1, packetId: 1, payload: "x" }))
    expect(await house.rows()).toEqual([["s", "not-stored", "house/hall", 1, bytesOfOne]])
  })

  test("what a failing store was given and did not keep, though the client is away", async () => {
    const store = new DeferredStore()
    const house = await houseWith({ store })
    const subscriber = await subscriberOf(house)
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    store.hold()
    publisher.sends(publish({ topic, qos: 1, packetId: 1, payload: "x" }))
    store.fail()
    store.letGo()
    expect(await house.rows()).toEqual([["s", "not-stored", "", 1, bytesOfOne]])
    await house.broker.connected("s", lasting)
    expect(await house.rows()).toEqual([["s", "not-stored", "", 1, bytesOfOne]])
  })

  for (const qos of [0, 1] as const) {
    test(`what cannot be retained at QoS ${qos}, for the store fails or there are enough`, async () => {
      const store = new DeferredStore()
      const house = await houseWith({ store, limits: { retainedMessages: 1 } })
      const publisher = await house.broker.connected("p")
      const kept = { qos, retain: true, payload: "x", ...(qos > 0 && { packetId: 1 }) } as const
      publisher.sends(publish({ ...kept, topic: "a" }), publish({ ...kept, topic: "b" }))
      store.refuse()
      publisher.sends(publish({ ...kept, topic: "a" }))
      expect(await house.rows()).toEqual([
        ["p", "retained-full", "b", 1, 2],
        ["p", "not-stored", "a", 1, 2],
      ])
    })
  }

  test("a payload that is said to be text, and is none", async () => {
    const house = await houseWith()
    const publisher = await house.broker.connected("p")
    const properties = { payloadFormatIndicator: 1 } as const
    publisher.sends({
      ...publish({ topic, qos: 1, packetId: 1, properties }),
      payload: Uint8Array.of(0xff),
    })
    const [row] = await house.rows()
    expect(row).toEqual(["p", "payload-invalid", "house/hall", 1, expect.any(Number)])
  })

  test("what waited in a session that expires, as one number", async () => {
    const house = await houseWith()
    const subscriber = await subscriberOf(house, { properties: { sessionExpiryInterval: 5 } })
    subscriber.cuts()
    const publisher = await house.broker.connected("p")
    for (const to of ["a", "b", topic]) publisher.publishes({ topic: to, qos: 1, payload: "x" })
    await house.broker.passes(6)
    expect(await house.rows()).toEqual([["s", "session-expired", "", 3, 4 + bytesOfOne]])
  })

  test("what waited in a session that a clean start ends, without what the client had on the wire", async () => {
    const house = await houseWith()
    const subscriber = await subscriberOf(house, {
      properties: { sessionExpiryInterval: 100, receiveMaximum: 1 },
    })
    const publisher = await house.broker.connected("p")
    for (let count = 0; count < 4; count++) publisher.publishes({ topic, qos: 1, payload: "x" })
    subscriber.cuts()
    expect(await house.rows()).toEqual([])
    await house.broker.connected("s", { cleanStart: true })
    expect(await house.rows()).toEqual([["s", "session-ended", "", 3, 3 * bytesOfOne]])
  })
})

describe("the drop ledger is small, whatever is dropped", () => {
  function ledgerWith(addDrops: (drops: readonly Drops[]) => Promise<void>) {
    const clock = new TurnedClock(Date.UTC(2026, 0, 1, 12))
    const errors: unknown[] = []
    const log = { ...silentLog, error: (...words: unknown[]) => void errors.push(words) }
    return { ledger: new DropLedger({ addDrops }, clock, log), clock, errors }
  }

  test("topics are counted by their first two levels, cut at 128", async () => {
    const written: Drops[] = []
    const { ledger } = ledgerWith(async (drops) => void written.push(...drops))
    const long = `${"x".repeat(127)}😀`
    for (const topic of ["a/b/c", "a/b", "a/b/d/e", "a", "/b", long]) ledger.add("c", "expired", topic, 1, 1)
    await ledger.close()
    expect(written.map(({ prefix, messages }) => [prefix, messages])).toEqual([
      ["a/b", 3],
      ["a", 1],
      ["/b", 1],
      [`${"x".repeat(127)}…`, 1],
    ])
  })

  test("a second of drops is written at once, with when the first and the last of each were", async () => {
    const written: (readonly Drops[])[] = []
    const { ledger, clock } = ledgerWith(async (drops) => void written.push(drops))
    const startMs = clock.now()
    ledger.add("c", "expired", "t", 1, 10)
    clock.advance(400)
    ledger.add("c", "absent", "t", 1, 10)
    ledger.add("c", "expired", "t", 2, 20)
    expect(written).toEqual([])
    clock.advance(600)
    const common = { clientId: "c", prefix: "t" }
    expect(written).toEqual([
      [
        { ...common, why: "absent", firstMs: startMs + 400, lastMs: startMs + 400, messages: 1, bytes: 10 },
        { ...common, why: "expired", firstMs: startMs, lastMs: startMs + 400, messages: 3, bytes: 30 },
      ],
    ])
    clock.advance(5_000)
    expect([written.length, clock.waiting]).toEqual([1, 0])
  })

  test("of more than 500 rows a second the rest is one for each reason, and topics are forgotten", async () => {
    const written: Drops[] = []
    const { ledger } = ledgerWith(async (drops) => void written.push(...drops))
    for (let count = 0; count < 20_000; count++) {
      ledger.add(`client ${count}`, "absent", `${count}/t`, 1, 2)
      expect(ledger.size).toBeLessThan(5_000)
    }
    await ledger.close()
    expect(written).toHaveLength(501)
    expect(written[0]).toMatchObject({
      clientId: "",
      why: "absent",
      prefix: "",
      messages: 19_500,
      bytes: 39_000,
    })
  })

  test("what a failing store does not take is kept, tried again, and complained of once", async () => {
    const written: Drops[] = []
    let fails = true
    const { ledger, clock, errors } = ledgerWith(async (drops) => {
      if (fails) throw new Error("disk full")
      written.push(...drops)
    })
    const passes = async () => {
      clock.advance(1_000)
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    }
    const startMs = clock.now()
    ledger.add("c", "not-stored", "t", 1, 1)
    await passes()
    ledger.add("c", "not-stored", "t", 1, 1)
    await passes()
    expect([written, errors]).toEqual([
      [],
      [["what was dropped cannot be written down", { why: "disk full" }]],
    ])
    fails = false
    await passes()
    expect(written).toMatchObject([{ messages: 2, bytes: 2, firstMs: startMs, lastMs: startMs + 1_000 }])
  })
})

test("a drop ledger that is closed tries a failing store once more, and then no longer", async () => {
  const clock = new TurnedClock()
  const addDrops = async () => {
    throw new Error("disk full")
  }
  const ledger = new DropLedger({ addDrops }, clock, silentLog)
  ledger.add("c", "not-stored", "t", 1, 1)
  await ledger.close()
  expect(clock.waiting).toBe(0)
})

describe("the log hears of drops and queues", () => {
  async function heard(limits: TestBrokerOptions["limits"]) {
    const lines: unknown[] = []
    const broker = await TestBroker.start({ limits: { queuedMessages: 10, ...limits } })
    const watch = watchBroker(broker.broker, broker.clock, {
      ...silentLog,
      warn: (sentence, fields) => void lines.push([sentence, fields]),
    })
    const subscriber = await broker.connected("s", lasting)
    subscriber.subscribes([{ filter: "#", qos: 1 }])
    const publisher = await broker.connected("p")
    const publishes = (count: number) => {
      for (let each = 0; each < count; each++) publisher.publishes({ qos: 1, topic: "t", payload: "x" })
    }
    return { lines, broker, watch, subscriber, publishes }
  }

  test("the first drop in ten minutes is told at once, the rest as a number", async () => {
    const { lines, broker, subscriber, publishes } = await heard({ whenFull: "drop-newest" })
    subscriber.cuts()
    publishes(15)
    const client = { client: "s", why: "queue-full" }
    const told = () => lines.filter((line) => JSON.stringify(line).includes("dropped"))
    expect(told()).toEqual([["message dropped", client]])
    await broker.leaps(599)
    expect(told()).toHaveLength(1)
    await broker.leaps(1)
    expect(told().slice(1)).toEqual([["more messages dropped", { ...client, count: 4 }]])
    publishes(1)
    expect(told().slice(2)).toEqual([["message dropped", client]])
  })

  test("what was not told yet is told when the broker is no longer watched, and nothing waits after that", async () => {
    const { lines, broker, watch, subscriber, publishes } = await heard({ whenFull: "drop-newest" })
    subscriber.cuts()
    const before = broker.clock.waiting
    publishes(15)
    watch.close()
    const client = { client: "s", why: "queue-full" }
    expect(lines.slice(-2)).toEqual([
      ["message dropped", client],
      ["more messages dropped", { ...client, count: 4 }],
    ])
    publishes(1)
    expect(lines.at(-1)).toEqual(["message dropped", client])
    expect(broker.clock.waiting).toBe(before)
  })

  for (const [what, limits] of [
    ["messages", { queuedMessages: 10, queuedBytes: 1_000 }],
    ["bytes", { queuedMessages: 1_000, queuedBytes: 20 }],
  ] as const) {
    test(`a queue beyond four fifths of its ${what} is told of once, until it was below a half`, async () => {
      const { lines, subscriber, publishes } = await heard(limits)
      const inFlight: PacketId[] = []
      const acknowledges = (count: number) => {
        for (const { packetId } of publishesOf(subscriber.receives())) {
          if (packetId !== undefined) inFlight.push(packetId)
        }
        for (const packetId of inFlight.splice(0, count)) subscriber.sends(puback(packetId))
      }
      publishes(8)
      expect(lines).toEqual([])
      publishes(1)
      const line = [
        "a queue is filling",
        {
          client: "s",
          messages: 9,
          "messages-maximum": limits.queuedMessages,
          bytes: 18,
          "bytes-maximum": limits.queuedBytes,
        },
      ]
      expect(lines).toEqual([line])
      acknowledges(4)
      publishes(4)
      expect(lines).toEqual([line])
      acknowledges(5)
      publishes(5)
      expect(lines).toEqual([line, line])
    })
  }
})
