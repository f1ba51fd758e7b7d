import { Database } from "bun:sqlite"
import { addRules, saveUsers, storedUser } from "../support/accounts.ts"
import { describe, expect, test } from "bun:test"
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { basename, join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import type { Log } from "../../src/foundation/log.ts"
import { parseTopicFilter, wireTopicLimits } from "../../src/protocol/topic.ts"
import { migrations } from "../../src/storage/sqlite/schema.ts"
import { silentLog } from "../support/silent-log.ts"
import { openAccounts, openStore, type OpenedStore } from "../../src/storage/open-store.ts"
import { backUp } from "../../src/storage/backup.ts"
import { Batch } from "../../src/storage/sqlite/batch.ts"
import { BatchLog } from "../../src/storage/sqlite/batch-log.ts"
import { openHead } from "../../src/storage/sqlite/head.ts"
import { ByteWriter } from "../../src/storage/sqlite/bytes.ts"
import { StoreError } from "../../src/storage/store-error.ts"
import { lostOnce, message, queued, sessionRecord, subscription, texts, topicName } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()
const remedy = "stop the broker, keep a copy, then run bantam serve --recover"

function open(directory: string, recover = false, log: Log = silentLog): Promise<OpenedStore> {
  return openStore({ kind: "sqlite", directory, durability: "normal", recover }, systemClock, log)
}

/** @returns the sentence with which the store refuses to open */
async function refusal(directory: string): Promise<string> {
  try {
    await (await open(directory)).store.close()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    return error instanceof StoreError ? error.message : ""
  }
  throw new Error("the store was opened")
}

const databaseIn = (directory: string) => join(directory, "bantam.db")

/** A store that was closed with one session, 200 queued messages, a retained one and a user. */
async function stored(): Promise<string> {
  const directory = newDirectory()
  const { store } = await open(directory)
  const { journal } = store.create(sessionRecord())
  journal.subscribed(subscription("house/#"))
  for (let sequence = 1; sequence <= 200; sequence++) {
    const payload = Buffer.from(`number ${sequence} ${"x".repeat(1000)}`)
    journal.enqueued(queued(sequence, { message: message("", { payload: new Uint8Array(payload) }) }))
  }
  store.retain(message("retained secret"))
  await saveUsers(store.accounts, storedUser("ada"))
  await addRules(store.accounts, "a rule")
  await store.drops.addDrops([lostOnce])
  await store.close()
  return directory
}

/** What a killed process leaves: batches that are not folded yet, the first for a message beyond the others. */
async function storedWithBatches(): Promise<string> {
  const directory = await stored()
  using database = new Database(databaseIn(directory))
  openHead(database)
  const log = new BatchLog(database, databaseIn(directory))
  for (const sequence of [201, 202]) {
    const batch = new Batch()
    batch.enqueue(1, queued(sequence), sequence - 1)
    batch.remove(1, sequence - 200)
    const writer = new ByteWriter()
    batch.pack(writer)
    log.append(writer.written)
  }
  return directory
}

/** SQLite leaves old copies in unused parts of a page, so every place is hit. */
function flipBitAt(file: string, text: string): void {
  const bytes = readFileSync(file)
  expect(bytes.includes(text)).toBe(true)
  for (let offset = bytes.indexOf(text); offset !== -1; offset = bytes.indexOf(text, offset)) {
    bytes[offset] = (bytes[offset] ?? 0) ^ 1
  }
  writeFileSync(file, bytes)
}

function change(directory: string, sql: string): void {
  using database = new Database(databaseIn(directory))
  database.run(sql)
}

describe("a store whose files are damaged says so at start, and what to do", () => {
  test("a file without content", async () => {
    const directory = newDirectory()
    mkdirSync(directory, { recursive: true })
    writeFileSync(databaseIn(directory), "")
    expect(await refusal(directory)).toBe(
      `a file without content was found in ${databaseIn(directory)}: ${remedy}`,
    )
  })

  test("a file that was cut off", async () => {
    const directory = await stored()
    truncateSync(databaseIn(directory), 100_000)
    expect(await refusal(directory)).toContain(`in ${databaseIn(directory)}: ${remedy}`)
  })

  test("a file that is no database", async () => {
    const directory = await stored()
    writeFileSync(databaseIn(directory), "x".repeat(10_000))
    expect(await refusal(directory)).toBe(
      `SQLite reports "file is not a database" in ${databaseIn(directory)}: ${remedy}`,
    )
  })

  test("a log whose database is gone", async () => {
    const directory = newDirectory()
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${databaseIn(directory)}-wal`, "x")
    expect(await refusal(directory)).toContain("the database is gone, and only its log is left")
  })

  test("rows that were there at the last clean close and are not any more", async () => {
    const directory = await stored()
    change(directory, "DELETE FROM subscription")
    expect(await refusal(directory)).toContain("1 subscriptions were stored and 0 found")
  })

  test("a page that was overwritten", async () => {
    const directory = await stored()
    const bytes = readFileSync(databaseIn(directory))
    bytes.fill(0xff, bytes.length - 3 * 4096)
    writeFileSync(databaseIn(directory), bytes)
    expect(await refusal(directory)).toContain(remedy)
  })

  test("a database of another program is not touched", async () => {
    const directory = newDirectory()
    mkdirSync(directory, { recursive: true })
    change(directory, "CREATE TABLE theirs (id INTEGER)")
    expect(await refusal(directory)).toContain("is a database of another program: choose another directory")
    expect(open(directory, true)).rejects.toThrow("is a database of another program")
    expect(() => openAccounts(directory)).toThrow("is a database of another program")
  })

  test("a database of a newer version is not touched", async () => {
    const directory = await stored()
    change(directory, "PRAGMA user_version = 99")
    expect(await refusal(directory)).toContain("was written by a newer bantam (schema 99")
    expect(open(directory, true)).rejects.toThrow("was written by a newer bantam")
  })

  test("a store that could not be opened holds no lock", async () => {
    const directory = await stored()
    change(directory, "PRAGMA user_version = 99")
    await refusal(directory)
    change(directory, `PRAGMA user_version = ${migrations.length}`)
    await (await open(directory)).store.close()
  })

  test("nor does one that has no room for the time, and it says so", async () => {
    const directory = await stored()
    const file = databaseIn(directory)
    change(
      directory,
      `CREATE TABLE filler (bytes BLOB);
       CREATE TRIGGER filling BEFORE INSERT ON clock BEGIN INSERT INTO filler VALUES (zeroblob(4000000)); END`,
    )
    const opening = openStore(
      { kind: "sqlite", directory, durability: "full", maximumBytes: 2_000_000 },
      systemClock,
      silentLog,
    )
    await expect(opening).rejects.toThrow(`${file}: database or disk is full; make room on its disk`)
    // The last to close a database takes its log away.
    expect(existsSync(`${file}-wal`)).toBe(false)
    change(directory, "DROP TRIGGER filling")
    await (await open(directory)).store.close()
  })
})

describe("a stored message in which a bit has flipped", () => {
  test("is left out of its queue, and reported", async () => {
    const directory = await stored()
    flipBitAt(databaseIn(directory), "number 3 x")
    const errors: string[] = []
    const log = { ...silentLog, error: (sentence: string) => errors.push(sentence) }
    const { store } = await open(directory, false, log)
    const [session] = await Array.fromAsync(store.sessions())
    const recalled = texts((await session?.journal.queue(0, 4)) ?? []).map((text) => text.slice(0, 8))
    expect(recalled).toEqual(["number 1", "number 2", "number 4", "number 5"])
    expect(errors).toEqual(["a damaged record was left out; bantam serve --recover removes it"])
    await store.close()
  })

  test("is not retained any more, and reported", async () => {
    const directory = await stored()
    flipBitAt(databaseIn(directory), "retained secret")
    const errors: string[] = []
    const log = { ...silentLog, error: (sentence: string) => errors.push(sentence) }
    const { store } = await open(directory, false, log)
    expect((await Array.fromAsync(store.retained())).flat()).toEqual([])
    expect(errors).toHaveLength(1)
    await store.close()
  })
})

describe("a batch that was not folded yet", () => {
  test("is folded at the next start", async () => {
    const { store } = await open(await storedWithBatches())
    const [session] = await Array.fromAsync(store.sessions())
    expect(session?.queuedMessages).toBe(200)
    expect((await session?.journal.queue(200, 9))?.map(({ sequence }) => sequence)).toEqual([201, 202])
    await store.close()
  })

  test("and is not what it was is refused, and recovery saves the others", async () => {
    const directory = await storedWithBatches()
    change(directory, "UPDATE batch SET packed = zeroblob(length(packed)) WHERE id = 1")
    expect(await refusal(directory)).toBe(`batch 1 fails its checksum in ${databaseIn(directory)}: ${remedy}`)
    const { store, recovered } = await open(directory, true)
    expect(recovered).toMatchObject({ sessions: 1, queued: 200, rejected: 1 })
    const [session] = await Array.fromAsync(store.sessions())
    const sequences = (await session?.journal.queue(0, 300))?.map(({ sequence }) => sequence)
    expect(sequences).toEqual([1, ...Array.from({ length: 198 }, (_, index) => index + 3), 202])
    await store.close()
    await (await open(directory)).store.close()
  })

  test("is none after a clean end: what is found there was folded long ago", async () => {
    const directory = await storedWithBatches()
    change(directory, "UPDATE head SET closed_cleanly = 1")
    expect(await refusal(directory)).toBe(
      `batches were found, and all had been folded in ${databaseIn(directory)}: ${remedy}`,
    )
  })

  test("stands between the one before and the one after", async () => {
    const directory = await storedWithBatches()
    change(directory, "UPDATE batch SET id = 4 WHERE id = 2")
    expect(await refusal(directory)).toBe(`batch 4 follows batch 1 in ${databaseIn(directory)}: ${remedy}`)
  })

  test("may speak of a session that is lost, of which recovery keeps nothing", async () => {
    const directory = await storedWithBatches()
    change(directory, "DELETE FROM session; UPDATE head SET closed_cleanly = 1")
    const { store, recovered } = await open(directory, true)
    expect(recovered).toMatchObject({ sessions: 0, queued: 0 })
    await store.close()
  })
})

describe("recovery", () => {
  test("changes nothing about a sound store", async () => {
    const directory = await stored()
    const { store, recovered } = await open(directory, true)
    expect(recovered).toBeUndefined()
    await store.close()
    expect(readdirSync(directory).toSorted()).toEqual(["bantam.db", "bantam.lock"])
  })

  test("saves all but the message in which a bit has flipped", async () => {
    const directory = await stored()
    flipBitAt(databaseIn(directory), "number 3 x")
    const { store, recovered } = await open(directory, true)
    expect(recovered).toMatchObject({
      sessions: 1,
      subscriptions: 1,
      queued: 199,
      retained: 1,
      users: 1,
      accessRules: 1,
    })
    expect(existsSync(recovered?.damagedFile ?? "")).toBe(true)
    const [session] = await Array.fromAsync(store.sessions())
    expect(session?.queuedMessages).toBe(199)
    expect(session?.subscriptions).toEqual([subscription("house/#")])
    expect(await store.accounts.user("ada")).toBeDefined()
    expect(await store.drops.drops({ limit: 9 })).toEqual([{ ...lostOnce, hourMs: 0, change: 1 }])
    await store.close()
    await (await open(directory)).store.close()
  })

  test("saves a subscription of more levels than a broker takes unless it is told", async () => {
    const directory = newDirectory()
    const { store } = await open(directory)
    const { journal } = store.create(sessionRecord())
    const filter = parseTopicFilter("level/".repeat(300), wireTopicLimits)
    const deep = subscription("deep", filter === undefined ? {} : { filter })
    journal.subscribed(deep)
    store.retain(message("retained secret"))
    await store.close()
    flipBitAt(databaseIn(directory), "retained secret")
    const recovered = await open(directory, true)
    expect(recovered.recovered).toMatchObject({ sessions: 1, subscriptions: 1, retained: 0, rejected: 1 })
    const [session] = await Array.fromAsync(recovered.store.sessions())
    expect(session?.subscriptions).toEqual([deep])
    await recovered.store.close()
  })

  test("saves what a file that was cut off still holds", async () => {
    const directory = await stored()
    truncateSync(databaseIn(directory), statSync(databaseIn(directory)).size - 100_000)
    const { store, recovered } = await open(directory, true)
    expect(recovered?.sessions).toBe(1)
    expect(recovered?.queued).toBeGreaterThan(10)
    expect(recovered?.queued).toBeLessThan(200)
    const [session] = await Array.fromAsync(store.sessions())
    const recalled = (await session?.journal.queue(0, 200)) ?? []
    expect(recalled).toHaveLength(recovered?.queued ?? 0)
    await store.close()
  })

  /** As a kill leaves it when all is saved, and the damaged one, which may look sound by now, has the name still. */
  async function halfRecovered(): Promise<string> {
    const directory = await stored()
    const saved = readFileSync(databaseIn(directory))
    using database = new Database(databaseIn(directory))
    database.run("DELETE FROM queue WHERE sequence > 100")
    database.run("UPDATE head SET closed_cleanly = 0")
    writeFileSync(`${databaseIn(directory)}.whole-1`, saved)
    return directory
  }

  test("that was killed when all was saved is finished by the next start", async () => {
    const directory = await halfRecovered()
    const { store } = await open(directory)
    const [session] = await Array.fromAsync(store.sessions())
    expect(session?.queuedMessages).toBe(200)
    await store.close()
    expect(readdirSync(directory).toSorted()).toEqual(["bantam.db", "bantam.db.damaged-1", "bantam.lock"])
  })

  test("that was killed is finished before anybody changes the accounts, and before a backup is made", async () => {
    const directory = await halfRecovered()
    const backup = `${directory}.backup`
    expect(() => backUp(directory, "full", backup, false)).toThrow(
      `${databaseIn(directory)} is being recovered: let the broker serve it first`,
    )
    openAccounts(directory).close()
    expect(backUp(directory, "full", backup, false).queued).toBe(200)
  })

  test("that was killed leaves nothing behind once the store was opened, and what was put beside it stays", async () => {
    const directory = await stored()
    const left = ["source", "source-wal", "source-shm", "saved", "saved-journal", "saved-wal", "saved-1970"]
    for (const name of left) writeFileSync(`${databaseIn(directory)}.${name}`, "left")
    const { store } = await open(directory)
    await store.close()
    expect(readdirSync(directory).toSorted()).toEqual(["bantam.db", "bantam.db.saved-1970", "bantam.lock"])
  })

  test("leaves the damaged store where it was until all is saved", async () => {
    const directory = await stored()
    truncateSync(databaseIn(directory), statSync(databaseIn(directory)).size - 100_000)
    const damaged = readFileSync(databaseIn(directory))
    // There is no room for what is saved, so to speak.
    mkdirSync(`${databaseIn(directory)}.saved`)
    await expect(open(directory, true)).rejects.toThrow()
    expect(readFileSync(databaseIn(directory))).toEqual(damaged)
  })

  test("of a log alone says where that is kept", async () => {
    const directory = await stored()
    renameSync(databaseIn(directory), `${databaseIn(directory)}-wal`)
    const { store, recovered } = await open(directory, true)
    await store.close()
    expect(readdirSync(directory)).toContain(basename(recovered?.damagedFile ?? ""))
  })

  test("gives no message twice to a session, whatever a damaged row names", async () => {
    const directory = await stored()
    {
      using database = new Database(databaseIn(directory))
      database.run(
        "UPDATE queue SET message = (SELECT message FROM queue WHERE sequence = 7) WHERE sequence = 9",
      )
      database.run("UPDATE head SET queued = 1")
    }
    const { store, recovered } = await open(directory, true)
    expect(recovered).toMatchObject({ queued: 199, rejected: 1 })
    await store.close()
  })

  test("begins anew where nothing can be read", async () => {
    const directory = await stored()
    writeFileSync(databaseIn(directory), "")
    const { store, recovered } = await open(directory, true)
    expect(recovered).toMatchObject({ sessions: 0, queued: 0, users: 0 })
    store.create(sessionRecord())
    store.unretain(topicName("house/door"))
    await store.close()
    await (await open(directory)).store.close()
  })
})
