import { describe, expect, test } from "bun:test"
import { parseTopicFilter, type TopicFilter } from "../../src/protocol/topic.ts"
import { Turn } from "../../src/connection/turn.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Store } from "../../src/storage/store.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { lasting, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { TurnedClock } from "../support/turned-clock.ts"

describe("A turn of the event loop", () => {
  function turn() {
    const clock = new TurnedClock()
    const soon: (() => void)[] = []
    const shared = new Turn(clock, (run) => void soon.push(run))
    const next = () => {
      for (const run of soon.splice(0)) run()
    }
    return { clock, shared, next, soon }
  }

  test("costs nothing but a look at the clock while nobody takes long", () => {
    const { clock, shared, soon } = turn()
    expect(shared.mayBegin(clock.now())).toBe(true)
    expect(shared.isOver(clock.now())).toBe(false)
    expect(soon).toBeEmpty()
  })

  test("is over for one who has had his share, and for all when all have taken too long", () => {
    const { clock, shared } = turn()
    const beganMs = clock.now()
    clock.advance(1)
    expect(shared.isOver(beganMs)).toBe(false)
    clock.advance(3)
    expect(shared.isOver(beganMs)).toBe(true)
    expect(shared.mayBegin(clock.now())).toBe(true)
    expect(shared.isOver(clock.now())).toBe(false)
    clock.advance(7)
    expect(shared.isOver(clock.now())).toBe(true)
    expect(shared.mayBegin(clock.now())).toBe(false)
  })

  test("goes to those who wait, in their order and as long as there is time, before anybody new", () => {
    const { clock, shared, next } = turn()
    const went: string[] = []
    const worker = (name: string) => () => {
      went.push(name)
      clock.advance(6)
    }
    for (const name of ["first", "second", "third"]) shared.wait(worker(name), "long")
    expect(shared.mayBegin(clock.now())).toBe(false)
    next()
    expect(went).toEqual(["first", "second"])
    next()
    expect(went).toEqual(["first", "second", "third"])
    next()
    expect(shared.mayBegin(clock.now())).toBe(true)
  })

  test("goes by turns to those who are soon done, and to the others", () => {
    const { clock, shared, next } = turn()
    const went: string[] = []
    const worker = (name: string, ms: number) => () => {
      went.push(name)
      clock.advance(ms)
    }
    for (const name of ["long", "longer"]) shared.wait(worker(name, 10), "long")
    for (const name of ["word", "another", "third"]) shared.wait(worker(name, 5), "brief")
    next()
    expect(went).toEqual(["word", "another"])
    next()
    expect(went).toEqual(["word", "another", "long"])
    next()
    expect(went).toEqual(["word", "another", "long", "third"])
    next()
    expect(went).toEqual(["word", "another", "long", "third", "longer"])
    next()
    expect(shared.mayBegin(clock.now())).toBe(true)
  })

  test("goes on to the next when one fails", () => {
    const { shared, next } = turn()
    const went: string[] = []
    shared.wait(() => {
      throw new Error("a bug")
    }, "long")
    shared.wait(() => void went.push("second"), "long")
    expect(next).toThrow("a bug")
    next()
    expect(went).toEqual(["second"])
  })
})

describe("A client whose messages take long", () => {
  /** Each message to `slow` takes longer than a share. */
  async function slowBroker(store: Store = new MemoryStore()) {
    const test = await TestBroker.start({ store })
    const heard: string[] = []
    test.broker.hook.onMessage(parseTopicFilter("slow/#") as TopicFilter, ({ topic }) => {
      heard.push(topic.name)
      test.clock.advance(5)
    })
    return { test, heard }
  }

  test("is read on in later turns, and others in between", async () => {
    const { test, heard } = await slowBroker()
    const client = await test.connected("client")
    const packets = [1, 2, 3].map((number) => publish({ topic: `slow/${number}`, qos: 2, packetId: number }))
    client.sendsTogether(...packets)
    expect(heard).toEqual(["slow/1"])
    await test.settle()
    expect(heard).toEqual(["slow/1", "slow/2", "slow/3"])
    expect(client.state).toBe("open")
  })

  test("does not keep those waiting who have only a word to say", async () => {
    const { test, heard } = await slowBroker()
    const [one, two, other] = [
      await test.connected("1"),
      await test.connected("2"),
      await test.connected("3"),
    ]
    const payload = "at length, which takes more than a few bytes to say".repeat(2)
    const packets = [1, 2].map((packetId) => publish({ topic: "slow/long", qos: 2, packetId, payload }))
    one.sendsTogether(...packets)
    two.sendsTogether(...packets)
    other.sends(publish({ topic: "slow/word", qos: 0 }))
    expect(heard).toEqual(["slow/long"])
    await test.settle()
    expect(heard).toEqual(["slow/long", "slow/word", "slow/long", "slow/long", "slow/long"])
  })

  test("goes on though the disk is behind by then, unless it publishes what must reach it", async () => {
    const store = new DeferredStore()
    const { test, heard } = await slowBroker(store)
    const subscriber = await test.connected("subscriber", lasting)
    subscriber.subscribes("slow/durable")
    const [publisher, talker] = [await test.connected("publisher"), await test.connected("talker")]
    store.hold()
    const packets = [1, 2].map((packetId) => publish({ topic: "slow/durable", qos: 2, packetId }))
    publisher.sendsTogether(...packets)
    talker.sends(publish({ topic: "slow/word", qos: 0 }))
    store.mood = "behind"
    await test.settle()
    expect(heard).toEqual(["slow/durable", "slow/word"])
    store.commit()
    store.mood = "healthy"
    await test.settle()
    expect(heard).toEqual(["slow/durable", "slow/word", "slow/durable"])
  })

  test("is heard to the end when it has left meanwhile, its farewell too [MQTT-3.14.4-3]", async () => {
    const { test, heard } = await slowBroker()
    const watcher = await test.connected("watcher")
    await watcher.subscribes("will")
    const client = await test.connected("client", { will: { topic: "will", payload: "lost", qos: 0 } })
    const packets = [1, 2].map((number) => publish({ topic: `slow/${number}`, qos: 2, packetId: number }))
    client.sendsTogether(...packets, {
      type: "disconnect",
      reasonCode: ReasonCode.normalDisconnection,
      properties: {},
    })
    client.cuts()
    await test.settle()
    expect(heard).toEqual(["slow/1", "slow/2"])
    expect(test.counters.clientsConnected).toBe(1)
    expect(watcher.receives()).toBeEmpty()
  })
})
