import { expect, test } from "bun:test"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { message, queued, sessionRecord } from "./samples.ts"
import { describeStore } from "./store-contract.ts"

describeStore("the memory store", async () => new MemoryStore())

test("the memory store gives no tickets: nobody is to wait for it", () => {
  const store = new MemoryStore()
  const { journal, ticket } = store.create()
  expect([ticket, journal.enqueued(queued(1)), journal.updated(sessionRecord()), store.retain()]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(message("").payload).toHaveLength(0)
})

test("what the client was sent does not hold up a full queue, however long it stays", async () => {
  const { journal } = new MemoryStore().create()
  journal.enqueued(queued(1))
  journal.sent(1)
  // Looked at anew for each that goes, what has gone would make of this minutes.
  for (let sequence = 2; sequence <= 300_000; sequence++) {
    journal.enqueued(queued(sequence))
    if (sequence > 3) journal.removedOldest(1)
  }
  const sequences = async () => (await journal.queue(0, 9)).map(({ sequence }) => sequence)
  expect(await sequences()).toEqual([1, 299_999, 300_000])
  journal.removed(1)
  journal.removed(299_999)
  expect(await sequences()).toEqual([300_000])
})
