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
