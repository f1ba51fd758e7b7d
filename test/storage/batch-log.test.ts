import { describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Batch } from "../../src/storage/sqlite/batch.ts"
import { BatchLog } from "../../src/storage/sqlite/batch-log.ts"
import { ByteWriter } from "../../src/storage/sqlite/bytes.ts"
import { type Database, openFile } from "../../src/storage/sqlite/database.ts"
import { createDatabase } from "../../src/storage/sqlite/directory.ts"
import { StoreError } from "../../src/storage/store-error.ts"
import { message, queued } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

function newDatabase(): Database {
  const directory = newDirectory()
  mkdirSync(directory)
  const file = join(directory, "bantam.db")
  createDatabase(file)
  return openFile(file, "none")
}

const opened = (database: Database) => new BatchLog(database, "bantam.db")

function packed(tell: (batch: Batch) => void): Uint8Array {
  const batch = new Batch()
  tell(batch)
  const writer = new ByteWriter()
  batch.pack(writer)
  return writer.written
}

const enqueued = (sequence: number, payload = new Uint8Array(0)) =>
  packed((batch) => batch.enqueue(1, queued(sequence, { message: message("", { payload }) }), sequence - 1))

const removed = (sequence: number) => packed((batch) => batch.remove(1, sequence))

function sequencesIn(database: Database): number[] {
  const rows = database.query<{ sequence: number }, []>("SELECT sequence FROM queue ORDER BY sequence").all()
  return rows.map(({ sequence }) => sequence)
}

function count(database: Database, table: string): number {
  return database.query<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${table}`).get()?.rows ?? -1
}

describe("a batch is committed as one row", () => {
  test("and folded into the tables later, which deletes it", () => {
    using database = newDatabase()
    const log = opened(database)
    for (const sequence of [1, 2, 3]) log.append(enqueued(sequence))
    expect([count(database, "batch"), count(database, "queue")]).toEqual([3, 0])
    log.foldAll()
    expect([count(database, "batch"), count(database, "queue")]).toEqual([0, 3])
  })

  test("whoever opens the database next finds what is not folded yet", () => {
    using database = newDatabase()
    for (const sequence of [1, 2, 3]) opened(database).append(enqueued(sequence))
    opened(database).foldAll()
    expect(sequencesIn(database)).toEqual([1, 2, 3])
  })

  test("a message that is removed before it is folded never becomes a row", () => {
    using database = newDatabase()
    const log = opened(database)
    for (const sequence of [1, 2, 3]) log.append(enqueued(sequence))
    log.append(removed(1))
    log.append(removed(3))
    log.foldAll()
    expect(sequencesIn(database)).toEqual([2])
    expect(database.query("SELECT id FROM message").all()).toEqual([{ id: 1 }])
  })

  test("one that is not what was committed is refused", () => {
    using database = newDatabase()
    opened(database).append(enqueued(1))
    database.run("UPDATE batch SET packed = zeroblob(length(packed))")
    expect(() => opened(database)).toThrow(StoreError)
  })
})

describe("folding goes in parts", () => {
  const payload = new Uint8Array(1000)
  const messages = 6000
  /** 6 MB: more than may wait. */
  const large = packed((batch) => {
    for (let sequence = 1; sequence <= messages; sequence++) {
      batch.enqueue(1, queued(sequence, { message: message("", { payload }) }), sequence - 1)
    }
  })

  test("of few rows, until the latest megabyte is left", () => {
    using database = newDatabase()
    const log = opened(database)
    log.append(enqueued(messages + 1))
    expect(log.foldDue()).toBe(false)
    expect(count(database, "queue")).toBe(0)
    log.append(packed((batch) => batch.enqueue(2, queued(1), 0)))
    log.append(large)
    const sizes: number[] = []
    for (let more = true; more;) {
      const before = count(database, "queue")
      more = log.foldDue()
      sizes.push(count(database, "queue") - before)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
    expect(sizes.length).toBeGreaterThan(5)
    expect(count(database, "batch")).toBe(1)
    const left = messages + 2 - count(database, "queue")
    expect(left * payload.length).toBeGreaterThan(900_000)
    expect(left * payload.length).toBeLessThan(1_100_000)
  })

  test("and a process that ended between two of them is carried on where it stood", () => {
    using database = newDatabase()
    opened(database).append(large)
    for (let parts = 0; parts < 3; parts++) expect(opened(database).foldDue()).toBe(true)
    expect(count(database, "queue")).toBeGreaterThan(500)
    expect(count(database, "batch")).toBe(1)
    opened(database).append(packed((batch) => batch.removeOldest(1, 0)))
    opened(database).foldAll()
    expect(sequencesIn(database)).toEqual(Array.from({ length: messages - 1 }, (_, index) => index + 2))
    expect(count(database, "message")).toBe(messages - 1)
  })
})
