import { afterAll, afterEach, expect, spyOn, test } from "bun:test"
import { MemoryJournal } from "../../src/storage/memory-journal.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { lasting, payloads, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

const asked = spyOn(MemoryJournal.prototype, "queue")
afterEach(() => void asked.mockClear())
afterAll(() => asked.mockRestore())

const messages = Array.from({ length: 1_500 }, (_, number) => String(number))

/** A broker that keeps all those messages for `away`. */
async function brokerOfAbsent(): Promise<TestBroker> {
  const broker = await TestBroker.start({ limits: { queuedMessages: 10_000, inFlight: 20 } })
  const client = await broker.connected("away", lasting)
  client.subscribes([{ filter: "t", qos: 1 }])
  client.cuts()
  const publisher = await broker.connected("publisher")
  for (const payload of messages) publisher.publishes({ qos: 1, payload })
  return broker
}

test("a client that comes back has its queue read in pages, each twice as long", async () => {
  const broker = await brokerOfAbsent()
  const back = await broker.connected("away", lasting)
  const received: string[] = []
  while (received.length < messages.length) {
    await broker.settle()
    received.push(...payloads(back.receivesAndAnswers()))
  }
  expect(received).toEqual(messages)
  expect(asked.mock.calls.map(([, limit]) => limit)).toEqual([32, 64, 128, 256, 500, 500, 500])
})

test("a client that comes and goes, and comes again, has no more than the first page read each time", async () => {
  const broker = await brokerOfAbsent()
  for (let times = 0; times < 3; times++) {
    const back = await broker.connected("away", lasting)
    back.cuts()
    await broker.settle()
  }
  expect(asked.mock.calls.map(([, limit]) => limit)).toEqual([32, 32, 32])
})

// Found by `simulated faults` (seed 20261151).
test("a page that is full to its last place may be the last: what was never stored waits no longer then", async () => {
  const store = new DeferredStore()
  const broker = await TestBroker.start({ store })
  const client = await broker.connected("away", lasting)
  client.subscribes([{ filter: "t", qos: 1 }])
  client.cuts()
  const publisher = await broker.connected("publisher")
  store.hold()
  publisher.sends(publish({ qos: 1, packetId: 1, payload: "not stored" }))
  store.fail()
  store.letGo()
  publisher.receives()
  for (const payload of messages.slice(0, 32)) publisher.publishes({ qos: 1, payload })
  const back = await broker.connected("away", lasting)
  await broker.settle()
  expect(payloads(back.receivesAndAnswers())).toEqual(messages.slice(0, 32))
  await broker.settle()
  expect(broker.broker.sessions.find("away" as never)?.load).toBe(0)
})
