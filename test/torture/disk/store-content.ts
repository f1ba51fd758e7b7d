import { systemClock } from "../../../src/foundation/clock.ts"
import type { Log } from "../../../src/foundation/log.ts"
import { openStore } from "../../../src/storage/open-store.ts"
import type { Durability } from "../../../src/storage/sqlite/database.ts"
import type { RecoveredCounts } from "../../../src/storage/sqlite/recovery.ts"
import type { Store } from "../../../src/storage/store.ts"
import { payloadStartOf, topicNameOf } from "../../../src/protocol/message-record.ts"
import { isWhole, nameOf, numberOf, topicOf } from "./numbered-message.ts"

export interface StoreContent {
  /** By the keys of the ledger. */
  readonly found: ReadonlyMap<string, string>
  /** What no store may hold, whatever it was told. */
  readonly wrong: readonly string[]
  /** Names of the messages in each session's queue, in their order. */
  readonly queues: ReadonlyMap<string, readonly string[]>
  /** What it said of damage when it was opened or read. */
  readonly errors: readonly string[]
  /** What it saved, if it had to. */
  readonly recovered: RecoveredCounts | undefined
}

/** Opens the store in a directory, reads all of it, and closes it. @throws StoreError it refuses to open */
export async function readStore(
  directory: string,
  durability: Durability,
  recover = false,
): Promise<StoreContent> {
  const errors: string[] = []
  const log: Log = {
    debug() {},
    info() {},
    warn: () => {},
    error: (sentence, fields) => errors.push(`${sentence} ${JSON.stringify(fields ?? {})}`),
  }
  const { store, recovered } = await openStore(
    { kind: "sqlite", directory, durability, recover },
    systemClock,
    log,
  )
  try {
    return { ...(await contentOf(store)), errors, recovered }
  } finally {
    await store.close()
  }
}

/** Messages that come back in another order than that of their numbers, topic by topic [4.6]. */
export function outOfOrder(queues: StoreContent["queues"]): string[] {
  const wrong: string[] = []
  for (const [clientId, names] of queues) {
    const last = new Map<string, number>()
    for (const name of names) {
      const before = last.get(topicOf(name)) ?? -1
      const number = numberOf(name)
      if (number <= before) wrong.push(`queued/${clientId}/${name} comes behind number ${before}`)
      last.set(topicOf(name), number)
    }
  }
  return wrong
}

async function contentOf(store: Store): Promise<Omit<StoreContent, "errors" | "recovered">> {
  const found = new Map<string, string>()
  const queues = new Map<string, string[]>()
  const wrong: string[] = []
  for await (const { record, journal, subscriptions, awaitingRelease } of store.sessions()) {
    const { clientId } = record
    found.set(`session/${clientId}`, "there")
    if (record.will !== undefined) {
      const { topic, payload } = record.will.message
      if (!isWhole(topic.name, payload)) wrong.push(`will/${clientId} is not what was entrusted`)
      found.set(`will/${clientId}`, nameOf(payload))
    }
    for (const { filter, qos } of subscriptions) found.set(`subscription/${clientId}/${filter}`, String(qos))
    for (const packetId of awaitingRelease) found.set(`identifier/${clientId}/${packetId}`, "kept")
    const queue: string[] = []
    for (const { publish, released } of await journal.queue(0, 1_000_000)) {
      const { topic, payload } = publish.message
      const name = nameOf(payload)
      const key = `queued/${clientId}/${name}`
      if (found.has(key)) wrong.push(`${key} is there twice`)
      if (!isWhole(topic.name, payload)) wrong.push(`${key} is not what was published`)
      found.set(key, released ? "released" : "queued")
      queue.push(name)
    }
    queues.set(clientId, queue)
  }
  for await (const records of store.retained()) {
    for (const record of records) {
      const payload = record.subarray(payloadStartOf(record))
      const topic = topicNameOf(record)
      if (!isWhole(topic, payload)) wrong.push(`retained/${topic} is not what was published`)
      found.set(`retained/${topic}`, nameOf(payload))
    }
  }
  return { found, queues, wrong }
}
