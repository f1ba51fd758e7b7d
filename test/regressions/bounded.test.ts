import { describe, expect, test } from "bun:test"
import type { LogFields } from "../../src/foundation/log.ts"
import { silentLog } from "../support/silent-log.ts"
import { quieterLog } from "../../src/foundation/quieter-log.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { defaultTopicLimits } from "../../src/protocol/topic.ts"
import { Batch } from "../../src/storage/sqlite/batch.ts"
import { SqliteStore } from "../../src/storage/sqlite/sqlite-store.ts"
import { message, outcome, queued, sessionRecord, topicName } from "../storage/samples.ts"
import { temporaryDirectories } from "../storage/temporary-directory.ts"
import { TurnedClock } from "../support/turned-clock.ts"

describe("a log that strangers would flood", () => {
  test("tells a thousand lines of one sentence in ten seconds, and how many more there were", () => {
    const clock = new TurnedClock()
    const lines: [sentence: string, fields?: LogFields | undefined][] = []
    const log = quieterLog({ ...silentLog, warn: (...line) => void lines.push(line) }, clock)
    for (let count = 0; count < 5_000; count++) log.warn("client refused", { count })
    log.warn("something else")
    expect(lines).toHaveLength(1_001)
    clock.advance(10_000)
    expect(lines.at(-1)).toEqual(["client refused", { more: 4_000 }])
    log.warn("client refused", { count: 1 })
    expect(lines.at(-1)).toEqual(["client refused", { count: 1 }])
  })

  test("tells at its end how many more there were, and keeps no program alive", () => {
    const clock = new TurnedClock()
    const lines: [sentence: string, fields?: LogFields | undefined][] = []
    const log = quieterLog({ ...silentLog, warn: (...line) => void lines.push(line) }, clock)
    for (let count = 0; count < 1_500; count++) log.warn("client refused", { count })
    log.close()
    expect(lines.at(-1)).toEqual(["client refused", { more: 500 }])
    for (let count = 0; count < 1_500; count++) log.warn("something else", { count })
    expect(clock.waiting).toBe(0)
  })
})

describe("what is kept to be fast", () => {
  test("is not filled with topics as long as the wire allows", () => {
    const table = new TopicTable(defaultTopicLimits)
    const find = (text: string) => {
      const bytes = new TextEncoder().encode(text)
      return table.find(bytes, 0, bytes.length)
    }
    expect(find("short")).toBe(find("short"))
    const long = "x".repeat(60_000)
    expect(find(long)).not.toBe(find(long))
    expect(find(long).name).toBe(find(long).name)
  })
})

describe("a batch that waits for a slow disk", () => {
  test("holds one entry for a retained message that changes, however often it does", () => {
    const batch = new Batch()
    for (let count = 0; count < 100; count++) batch.retain(topicName("r"), message(`${count}`))
    expect(batch.operations).toHaveLength(1)
    const one = new Batch()
    one.retain(topicName("r"), message("99"))
    expect(batch.bytes).toBe(one.bytes)
  })

  test("holds one entry for a session whose client comes and goes, however often that is", () => {
    let batch = new Batch()
    for (let failure = 0; failure < 3; failure++) {
      for (let count = 0; count < 100; count++) {
        for (const session of [1, 2]) batch.note(session, sessionRecord(`of failure ${failure}`))
      }
      const next = new Batch()
      next.note(1, sessionRecord("now"))
      next.carryOver(batch)
      expect(next.operations.map((each) => each.op === "noted" && [each.session, each.record])).toEqual([
        [2, sessionRecord(`of failure ${failure}`)],
        [1, sessionRecord("now")],
      ])
      batch = next
    }
  })
})

describe("a queue after a restart", () => {
  const newDirectory = temporaryDirectories()
  const open = async (directory: string) => {
    const { store } = await SqliteStore.open({ directory, durability: "full" }, new TurnedClock(), silentLog)
    return store
  }

  test("gives no number again that was sent, for what gets it would go out with DUP [MQTT-3.3.1-1]", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const { journal } = store.create(sessionRecord())
    for (const sequence of [1, 2, 3])
      expect(await outcome(journal.enqueued(queued(sequence)))).toBe("committed")
    journal.sent(3)
    for (const sequence of [1, 2, 3]) journal.removed(sequence)
    await store.close()

    const again = await open(directory)
    const [session] = await Array.fromAsync(again.sessions())
    if (session === undefined) throw new Error("the session is gone")
    expect(session.lastSequence).toBe(3)
    session.journal.enqueued(queued(session.lastSequence + 1))
    expect(await session.journal.queue(0, 10)).toMatchObject([{ sequence: 4, sentBefore: false }])
    await again.close()
  })
})
