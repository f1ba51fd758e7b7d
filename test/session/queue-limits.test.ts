import { describe, expect, test } from "bun:test"
import type { Publish } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { QueuePolicy } from "../../src/session/session-limits.ts"
import { lasting, payloads, puback, publish, publishes, pubrec } from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { PromptStore } from "../support/prompt-store.ts"
import { TestBroker, type TestBrokerOptions } from "../support/test-broker.ts"

const numbers = (length: number) => Array.from({ length }, (_, index) => String(index))

interface Setting {
  readonly broker: TestBroker
  readonly subscriber: ScriptedClient
  readonly publisher: ScriptedClient
}

/** A subscriber to `t` whose queue holds ten messages, in-flight ones included. */
async function bounded(
  whenFull: QueuePolicy,
  limits = {},
  client = {},
  options: Pick<TestBrokerOptions, "store"> = {},
): Promise<Setting> {
  const broker = await TestBroker.start({ ...options, limits: { whenFull, queuedMessages: 10, ...limits } })
  const subscriber = await broker.connected("s", { ...lasting, ...client })
  subscriber.subscribes([{ filter: "t", qos: 1 }])
  const publisher = await broker.connected("p")
  return { broker, subscriber, publisher }
}

async function comesBack({ broker }: Setting): Promise<string[]> {
  const back = await broker.connected("s", lasting)
  const received: string[] = []
  for (let round = 0; round < 10; round++) {
    received.push(...payloads(back.receivesAndAnswers()))
    await broker.settle()
  }
  expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
  expect(broker.broker.sessions.find("s" as never)?.queuedBytes).toBe(0)
  return received
}

describe("a queue at its bound, its client away", () => {
  test("drop-oldest: the newest stay, each drop is counted", async () => {
    const setting = await bounded("drop-oldest")
    setting.subscriber.cuts()
    for (const payload of numbers(25)) setting.publisher.publishes({ qos: 1, payload })
    expect(await comesBack(setting)).toEqual(numbers(25).slice(15))
    expect(setting.broker.dropped).toEqual({ "queue-full": 15 })
  })

  test("drop-newest: the oldest stay, and publishers are none the wiser", async () => {
    const setting = await bounded("drop-newest")
    setting.subscriber.cuts()
    for (const payload of numbers(25)) setting.publisher.publishes({ qos: 1, payload })
    expect(await comesBack(setting)).toEqual(numbers(10))
    expect(setting.broker.dropped).toEqual({ "queue-full": 15 })
  })

  test("reject: publishers are told, and nobody gets what was refused", async () => {
    const setting = await bounded("reject")
    const { broker, publisher, subscriber } = setting
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    subscriber.cuts()
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    publisher.sends(publish({ qos: 1, packetId: 1 }), publish({ qos: 2, packetId: 2 }))
    expect(publisher.receives()).toMatchObject([
      { type: "puback", reasonCode: ReasonCode.quotaExceeded },
      { type: "pubrec", reasonCode: ReasonCode.quotaExceeded },
    ])
    expect(payloads(watcher.receives())).toEqual(numbers(10))
    expect(await comesBack(setting)).toEqual(numbers(10))
    publisher.publishes({ qos: 1, payload: "room again" })
  })

  test("reject: QoS 0 has no queue to be full, and goes to those who are there", async () => {
    const { broker, publisher, subscriber } = await bounded("reject")
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    subscriber.cuts()
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    watcher.receives()
    publisher.publishes({ qos: 0, payload: "0" })
    expect(payloads(watcher.receives())).toEqual(["0"])
  })

  test("reject: a client that cannot be told is disconnected, rather than told a lie", async () => {
    const { broker, publisher, subscriber } = await bounded("reject")
    subscriber.cuts()
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    const old = await broker.connected("old", { version: 4 })
    old.sends(publish({ qos: 1, packetId: 1 }))
    expect(old.receives()).toEqual([])
    expect(old.state).toBe("ended")
  })

  test("reject: a share group whose members are all full refuses too", async () => {
    const broker = await TestBroker.start({ limits: { whenFull: "reject", queuedMessages: 2 } })
    for (const clientId of ["m0", "m1"]) {
      const member = await broker.connected(clientId, lasting)
      member.subscribes([{ filter: "$share/g/t", qos: 1 }])
      member.cuts()
    }
    const publisher = await broker.connected("p")
    for (const payload of numbers(4)) publisher.publishes({ qos: 1, payload })
    publisher.sends(publish({ qos: 1, packetId: 1 }))
    expect(publisher.receives()).toMatchObject([{ type: "puback", reasonCode: ReasonCode.quotaExceeded }])
    expect(broker.dropped).toEqual({ "queue-full": 1 })
  })

  test("bytes count as well: topics, payloads and properties", async () => {
    const setting = await bounded("drop-oldest", { queuedMessages: 1_000, queuedBytes: 1_000 })
    setting.subscriber.cuts()
    // 1 byte of topic and 99 of payload.
    for (const payload of numbers(25)) {
      setting.publisher.publishes({ qos: 1, payload: payload.padEnd(99, ".") })
    }
    const received = await comesBack(setting)
    expect(received.map((text) => text.replaceAll(".", ""))).toEqual(numbers(25).slice(15))
    expect(setting.broker.dropped).toEqual({ "queue-full": 15 })
  })

  test("a message larger than the whole queue is dropped and takes none other with it", async () => {
    const setting = await bounded("drop-oldest", { queuedBytes: 1_000 })
    setting.subscriber.cuts()
    setting.publisher.publishes({ qos: 1, payload: "small" })
    setting.publisher.publishes({ qos: 1, payload: "x".repeat(2_000) })
    expect(await comesBack(setting)).toEqual(["small"])
  })
})

/** Of three that were sent the client had said PUBREC to the first; behind them the newest of 22 are left. */
async function expectOnlyUnsentGone(broker: TestBroker, first: Publish | undefined): Promise<void> {
  const back = await broker.connected("s", lasting)
  const [release, ...rest] = back.receives()
  expect(release).toMatchObject({ type: "pubrel", packetId: first?.packetId as never })
  expect(payloads(rest)).toEqual(["1", "2", ...numbers(25).slice(18)])
  expect(publishes(rest).map(({ dup }) => dup)).toEqual([true, true, ...Array(7).fill(false)])
  expect(broker.dropped).toEqual({ "queue-full": 15 })
}

describe("what was sent and not acknowledged is the client's to answer, and is not dropped", () => {
  test("drop-oldest: while it is away, messages that were never sent give way [MQTT-4.4.0-1]", async () => {
    const setting = await bounded("drop-oldest")
    const { subscriber, publisher, broker } = setting
    subscriber.subscribes([{ filter: "t", qos: 2 }])
    for (const payload of numbers(3)) publisher.publishes({ qos: 2, payload })
    const [first] = publishes(subscriber.receives())
    subscriber.sends(pubrec(first?.packetId ?? 0))
    subscriber.cuts()
    for (const payload of numbers(25).slice(3)) publisher.publishes({ qos: 1, payload })
    await expectOnlyUnsentGone(broker, first)
  })

  test("drop-oldest: with nothing else in the queue the newest gives way", async () => {
    const setting = await bounded("drop-oldest")
    for (const payload of numbers(10)) setting.publisher.publishes({ qos: 1, payload })
    setting.subscriber.cuts()
    for (const payload of ["10", "11"]) setting.publisher.publishes({ qos: 1, payload })
    expect(await comesBack(setting)).toEqual(numbers(10))
    expect(setting.broker.dropped).toEqual({ "queue-full": 2 })
  })
})

describe("so it is after a restart", () => {
  const limits = { whenFull: "drop-oldest", queuedMessages: 10 } as const

  /** The subscriber is cut off, and the broker started anew with what its store has. */
  async function restarted(setting: Setting, store: PromptStore, most = 10): Promise<Setting> {
    setting.subscriber.cuts()
    const next = { store: store.restarted(), limits: { ...limits, queuedMessages: most } }
    const broker = await TestBroker.start(next)
    return { ...setting, broker, publisher: await broker.connected("p") }
  }

  test("drop-oldest: while it is away, messages that were never sent give way [MQTT-4.4.0-1]", async () => {
    const store = new PromptStore()
    const before = await bounded("drop-oldest", {}, {}, { store })
    before.subscriber.subscribes([{ filter: "t", qos: 2 }])
    for (const payload of numbers(3)) before.publisher.publishes({ qos: 2, payload })
    const [first] = publishes(before.subscriber.receives())
    before.subscriber.sends(pubrec(first?.packetId ?? 0))
    const { broker, publisher } = await restarted(before, store)
    for (const payload of numbers(25).slice(3)) publisher.publishes({ qos: 1, payload })
    await expectOnlyUnsentGone(broker, first)
  })

  test("drop-oldest: with nothing else in the queue the newest gives way", async () => {
    const store = new PromptStore()
    const before = await bounded("drop-oldest", {}, {}, { store })
    for (const payload of numbers(10)) before.publisher.publishes({ qos: 1, payload })
    const setting = await restarted(before, store)
    for (const payload of ["10", "11"]) setting.publisher.publishes({ qos: 1, payload })
    expect(await comesBack(setting)).toEqual(numbers(10))
    expect(setting.broker.dropped).toEqual({ "queue-full": 2 })
  })

  test("drop-oldest: while it catches up, what was sent and is not read back yet stays", async () => {
    const store = new PromptStore()
    const before = await bounded("drop-oldest", { queuedMessages: 60 }, {}, { store })
    for (const payload of numbers(50)) before.publisher.publishes({ qos: 1, payload })
    const { broker, publisher } = await restarted(before, store, 60)
    const oneByOne = { properties: { ...lasting.properties, receiveMaximum: 1 } }
    const back = await broker.connected("s", { ...lasting, ...oneByOne })
    // Answered before the queue is read to its end, it makes room for one more.
    const [first] = publishes(back.receives())
    back.sends(puback(first?.packetId ?? 0))
    for (const payload of numbers(75).slice(50)) publisher.publishes({ qos: 1, payload })
    const received: string[] = []
    for (let round = 0; round < 10; round++) {
      received.push(...payloads(back.receivesAndAnswers()))
      await broker.settle()
    }
    expect(received).toEqual([...numbers(50).slice(1), ...numbers(75).slice(64)])
    expect(broker.dropped).toEqual({ "queue-full": 14 })
    expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
  })

  test("a session that ends has lost only what was never sent", async () => {
    const store = new PromptStore()
    const before = await bounded("drop-oldest", {}, {}, { store })
    for (const payload of numbers(3)) before.publisher.publishes({ qos: 1, payload })
    const { broker, publisher } = await restarted(before, store)
    publisher.publishes({ qos: 1, payload: "3" })
    await broker.connected("s")
    expect(broker.dropped).toEqual({ "session-ended": 1 })
  })
})

test("what was dropped between two messages in flight gives neither the identifier of the other [MQTT-2.2.1-4]", async () => {
  const broker = await TestBroker.start({ limits: { whenFull: "drop-oldest", queuedMessages: 10 } })
  const subscriber = await broker.connected("s", { properties: { receiveMaximum: 3 } })
  subscriber.subscribes([{ filter: "t", qos: 2 }])
  const publisher = await broker.connected("p")
  for (const payload of numbers(3)) publisher.publishes({ qos: 1, payload })
  const sent = publishes(subscriber.receives())
  // Seven wait behind them, so whichever identifier comes next is one of those.
  for (const payload of numbers(65_536 + 7)) publisher.publishes({ qos: 1, payload })
  subscriber.sends(puback(sent[1]?.packetId ?? 0), puback(sent[2]?.packetId ?? 0))
  const held = publishes(subscriber.receives()).map(({ packetId }) => packetId)
  expect(held).not.toContain(sent[0]?.packetId)
  subscriber.sends(puback(sent[0]?.packetId ?? 0))
  for (let round = 0; round < 5; round++) subscriber.receivesAndAnswers()
  for (const packetId of held) subscriber.sends(puback(packetId ?? 0))
  for (let round = 0; round < 5; round++) subscriber.receivesAndAnswers()
  expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
})

describe("a queue at its bound, its client there and slow", () => {
  test("drop-oldest: what is on its way is the client's, the rest gives way", async () => {
    const { broker, subscriber, publisher } = await bounded(
      "drop-oldest",
      { windowMessages: 4 },
      { properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 3 } },
    )
    for (const payload of numbers(25)) publisher.publishes({ qos: 1, payload })
    const received: string[] = []
    for (let round = 0; round < 10; round++) {
      received.push(...payloads(subscriber.receivesAndAnswers()))
      await broker.settle()
    }
    expect(received).toEqual([...numbers(3), ...numbers(25).slice(18)])
    expect(broker.dropped).toEqual({ "queue-full": 15 })
    expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
  })

  test("drop-oldest: when all are on their way the newest gives way, for nothing else can", async () => {
    const { broker, subscriber, publisher } = await bounded("drop-oldest")
    for (const payload of numbers(12)) publisher.publishes({ qos: 1, payload })
    expect(payloads(subscriber.receivesAndAnswers())).toEqual(numbers(10))
    expect(broker.dropped).toEqual({ "queue-full": 2 })
  })

  test("a session that ends with its connection is bounded too", async () => {
    const { broker, publisher } = await bounded("drop-oldest")
    const passing = await broker.connected("passing", { properties: { receiveMaximum: 1 } })
    passing.subscribes([{ filter: "t", qos: 1 }])
    for (const payload of numbers(25)) publisher.publishes({ qos: 1, payload })
    expect(payloads(passing.receivesAndAnswers())).toEqual(["0", ...numbers(25).slice(16)])
  })

  test("retained messages wait until there is room, rather than to be dropped", async () => {
    const { broker, subscriber, publisher } = await bounded("drop-newest")
    for (const payload of numbers(25)) {
      publisher.publishes({ topic: `r/${payload}`, qos: 1, payload, retain: true })
    }
    subscriber.subscribes([{ filter: "r/+", qos: 1 }])
    expect(payloads(subscriber.receivesAndAnswers())).toEqual(numbers(25))
    expect(broker.dropped).toEqual({})
  })

  test("room is made by an acknowledgement, one for one", async () => {
    const { broker, subscriber, publisher } = await bounded("drop-newest")
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    const [first] = publishes(subscriber.receives())
    subscriber.sends(puback(first?.packetId ?? 0))
    publisher.publishes({ qos: 1, payload: "in" })
    publisher.publishes({ qos: 1, payload: "out" })
    expect(payloads(subscriber.receives())).toEqual(["in"])
    expect(broker.dropped).toEqual({ "queue-full": 1 })
  })
})

describe("a queue longer than its window in memory", () => {
  for (const stored of [499, 500, 501, 1_234]) {
    test(`${stored} messages of an absent client all come, in order and once`, async () => {
      const setting = await bounded("drop-oldest", { queuedMessages: 100_000, windowMessages: 10 })
      setting.subscriber.cuts()
      for (const payload of numbers(stored)) setting.publisher.publishes({ qos: 1, payload })
      expect(await comesBack(setting)).toEqual(numbers(stored))
      expect(setting.broker.dropped).toEqual({})
    })
  }
})

describe("a queue whose store fails, its client away", () => {
  async function deferred(whenFull: QueuePolicy, limits = {}): Promise<Setting & { store: DeferredStore }> {
    const store = new DeferredStore()
    return { store, ...(await bounded(whenFull, limits, {}, { store })) }
  }

  test.each(["drop-oldest", "drop-newest", "reject"] as const)(
    "%s: has as much room afterwards as before",
    async (whenFull) => {
      const setting = await deferred(whenFull)
      const { store, broker, publisher, subscriber } = setting
      subscriber.cuts()
      store.hold()
      for (const [packetId, payload] of numbers(10).entries()) {
        publisher.sends(publish({ qos: 1, packetId: packetId + 1, payload: `lost ${payload}` }))
      }
      store.fail()
      expect(publisher.receives()).toMatchObject(
        numbers(10).map(() => ({ type: "puback", reasonCode: ReasonCode.quotaExceeded })),
      )
      expect(broker.broker.sessions.find("s" as never)?.load).toBe(0)
      store.letGo()
      for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
      expect(await comesBack(setting)).toEqual(numbers(10))
      expect(broker.dropped).toEqual({ "not-stored": 10 })
    },
  )

  test("drop-oldest: what is refused takes nobody's place, be it found out at once or later", async () => {
    const setting = await deferred("drop-oldest", { queuedBytes: 1000 })
    const { store, publisher, subscriber } = setting
    subscriber.cuts()
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    store.refuse()
    store.mood = "failed"
    const large = publish({ qos: 1, packetId: 1, payload: "x".repeat(900) })
    publisher.sends(large)
    expect(publisher.receives()).toMatchObject([{ type: "puback", reasonCode: ReasonCode.quotaExceeded }])
    store.letGo()
    store.mood = "healthy"
    expect(await comesBack(setting)).toEqual(numbers(10))
    expect(setting.broker.dropped).toEqual({ "not-stored": 1 })
  })
})
