import { afterEach, expect, spyOn, test } from "bun:test"
import { MemoryJournal } from "../../src/storage/memory-journal.ts"
import { lasting, payloads } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

const asked = spyOn(MemoryJournal.prototype, "queue")
afterEach(() => void asked.mockClear())

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
