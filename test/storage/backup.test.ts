import { Database } from "bun:sqlite"
import { afterEach, describe, expect, test } from "bun:test"
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import { backUp, restore } from "../../src/storage/backup.ts"
import { hasStore, openStore } from "../../src/storage/open-store.ts"
import { migrations } from "../../src/storage/sqlite/schema.ts"
import type { Store } from "../../src/storage/store.ts"
import { StoreError } from "../../src/storage/store-error.ts"
import { addRules, saveUsers, storedUser } from "../support/accounts.ts"
import { silentLog } from "../support/silent-log.ts"
import { message, outcome, queued, sessionRecord, subscription, texts } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()
const opened = new Set<Store>()
afterEach(async () => {
  for (const store of opened) await store.close()
  opened.clear()
})

async function open(directory: string): Promise<Store> {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  opened.add(store)
  return store
}

async function close(store: Store): Promise<void> {
  opened.delete(store)
  await store.close()
}

/** One session with a subscription and 200 queued messages, a retained one, a user and a rule: acknowledged. */
async function fill(store: Store): Promise<void> {
  const { journal } = store.create(sessionRecord())
  journal.subscribed(subscription("house/#"))
  store.retain(message("retained secret"))
  await saveUsers(store.accounts, storedUser("ada"))
  await addRules(store.accounts, "a rule")
  let last = "committed"
  for (let sequence = 1; sequence <= 200; sequence++) {
    const payload = new Uint8Array(Buffer.from(`number ${sequence} ${"x".repeat(1000)}`))
    const ticket = journal.enqueued(queued(sequence, { message: message("", { payload }) }))
    if (sequence === 200) last = await outcome(ticket)
  }
  expect(last).toBe("committed")
}

const content = { sessions: 1, subscriptions: 1, queued: 200, retained: 1, users: 1, accessRules: 1, bans: 0 }

interface Given {
  readonly directory: string
  readonly file: string
}

async function backedUp(): Promise<Given> {
  const directory = newDirectory()
  const file = join(dirname(directory), "backup")
  const store = await open(directory)
  await fill(store)
  await close(store)
  backUp(directory, "full", file, false)
  return { directory, file }
}

function change(file: string, sql: string): void {
  using database = new Database(file)
  database.run(sql)
}

/** @returns the sentence with which a backup is not restored, and nothing is there afterwards */
function refusal(file: string): string {
  const directory = newDirectory()
  try {
    restore(file, directory, false)
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    expect(existsSync(directory)).toBe(false)
    return error instanceof StoreError ? error.message : ""
  }
  throw new Error("it was restored")
}

describe("a backup", () => {
  test("of a store that is served holds all that was acknowledged, folded or not, and counts it", async () => {
    const directory = newDirectory()
    const file = join(dirname(directory), "backup")
    const store = await open(directory)
    await fill(store)
    const [session] = await Array.fromAsync(store.sessions())
    // A few at a time are committed as a batch.
    expect(await outcome(session?.journal.enqueued(queued(201)))).toBe("committed")
    expect(backUp(directory, "full", file, false)).toEqual({
      ...content,
      queued: 201,
      groups: 0,
      auditEntries: expect.any(Number),
      bytes: statSync(file).size,
    })
    using copy = new Database(file)
    expect(
      copy.query("SELECT (SELECT count(*) FROM batch) AS batches, closed_cleanly FROM head").get(),
    ).toEqual({
      batches: 0,
      closed_cleanly: 1,
    })
  })

  test("leaves the store as it is, and whoever serves it goes on", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    await fill(store)
    const before = readdirSync(directory)
    backUp(directory, "full", join(dirname(directory), "backup"), false)
    expect(readdirSync(directory)).toEqual(before)
    const [session] = await Array.fromAsync(store.sessions())
    expect(await outcome(session?.journal.enqueued(queued(201)))).toBe("committed")
  })

  test("is one file that its owner alone may read, whatever the mask", async () => {
    const mask = process.umask(0)
    try {
      const { file } = await backedUp()
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(readdirSync(dirname(file)).toSorted()).toEqual(["backup", "store"])
    } finally {
      process.umask(mask)
    }
  })

  test("replaces no file unless told, and then only once the new one is whole", async () => {
    const { directory, file } = await backedUp()
    expect(() => backUp(directory, "full", file, false)).toThrow(
      `${file} exists already; replace it with --force, or name another`,
    )
    const before = readFileSync(file)
    change(join(directory, "bantam.db"), "DELETE FROM subscription")
    expect(() => backUp(directory, "full", file, true)).toThrow("1 subscriptions were stored and 0 found")
    expect(readFileSync(file)).toEqual(before)
    expect(readdirSync(dirname(file)).toSorted()).toEqual(["backup", "store"])
    change(join(directory, "bantam.db"), "UPDATE head SET closed_cleanly = 0")
    expect(backUp(directory, "full", file, true).subscriptions).toBe(0)
  })

  test("takes away what killed ones have left, and nothing of those that are at work", async () => {
    const { directory, file } = await backedUp()
    const gone = 2 ** 31 - 1
    const write = (path: string, ageMs: number) => {
      writeFileSync(path, "half of it")
      utimesSync(path, new Date(), new Date(Date.now() - ageMs))
    }
    const kept = [
      `${file}.${process.ppid}.new`,
      `${file}.${gone}.new-wal`,
      `${file}2.${gone}.new`,
      `${file}.1.new.old`,
    ]
    write(kept[0] ?? "", 3_600_000)
    write(kept[1] ?? "", 0)
    write(kept[2] ?? "", 3_600_000)
    write(kept[3] ?? "", 3_600_000)
    write(`${file}.${gone}.new`, 3_600_000)
    write(`${file}.${gone}.new-journal`, 3_600_000)
    backUp(directory, "full", file, true)
    expect(readdirSync(dirname(file)).toSorted()).toEqual(
      ["store", basename(file), ...kept.map((path) => basename(path))].toSorted(),
    )
  })

  test("is not written over the store itself", async () => {
    const { directory } = await backedUp()
    expect(() => backUp(directory, "full", join(directory, "bantam.db"), true)).toThrow(
      "is of the store itself",
    )
  })

  test("of a directory without a store makes none", () => {
    const directory = newDirectory()
    expect(() => backUp(directory, "full", `${directory}.backup`, false)).toThrow(
      `${directory} holds no store; name its directory with --data`,
    )
    expect(existsSync(directory)).toBe(false)
  })

  test("of a store in which a message has changed says so, for it could not be restored", async () => {
    const { directory, file } = await backedUp()
    change(join(directory, "bantam.db"), "UPDATE message SET body = zeroblob(length(body)) WHERE id = 1")
    expect(() => backUp(directory, "full", `${file} 2`, false)).toThrow(
      `a stored message fails its checksum in ${join(directory, "bantam.db")}: stop the broker`,
    )
  })

  test("of a store of an older schema leaves that as it is, and is of the present one", async () => {
    const directory = newDirectory()
    mkdirSync(directory)
    const database = join(directory, "bantam.db")
    change(database, `PRAGMA application_id = ${0x42414e54}; ${migrations[0]}; PRAGMA user_version = 1`)
    const file = join(dirname(directory), "backup")
    backUp(directory, "full", file, false)
    const versionOf = (path: string) => {
      using opening = new Database(path)
      return opening.query("PRAGMA user_version").get()
    }
    expect(versionOf(database)).toEqual({ user_version: 1 })
    expect(versionOf(file)).toEqual({ user_version: migrations.length })
  })
})

describe("restoring a backup", () => {
  test("makes a store with all that is in it", async () => {
    const { file } = await backedUp()
    const directory = newDirectory()
    expect(restore(file, directory, false)).toMatchObject({ ...content, keptAside: undefined })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, "bantam.db")).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory).toSorted()).toEqual(["bantam.db", "bantam.lock"])
    const store = await open(directory)
    const [session] = await Array.fromAsync(store.sessions())
    expect(session?.subscriptions).toEqual([subscription("house/#")])
    expect(texts((await session?.journal.queue(0, 300)) ?? []).map((text) => text.split(" ")[1])).toEqual(
      Array.from({ length: 200 }, (_, index) => String(index + 1)),
    )
    expect(await store.accounts.user("ada")).toBeDefined()
  })

  test.if(process.getuid?.() === 0)("by root gives the store to whom the directory belongs", async () => {
    const { file } = await backedUp()
    const directory = newDirectory()
    mkdirSync(directory, { mode: 0o700 })
    chownSync(directory, 65_534, 65_534)
    restore(file, directory, false)
    for (const name of ["bantam.db", "bantam.lock"]) {
      expect(statSync(join(directory, name))).toMatchObject({ uid: 65_534, gid: 65_534 })
    }
  })

  test("refuses a directory that is served", async () => {
    const { directory, file } = await backedUp()
    await open(directory)
    expect(() => restore(file, directory, true)).toThrow(
      `${directory} is already served by process ${process.pid}: stop it, or choose another`,
    )
    expect(readdirSync(directory).some((name) => name.includes("replaced"))).toBe(false)
  })

  test("refuses a directory that holds a store, or what is left of one", async () => {
    const { directory, file } = await backedUp()
    expect(() => restore(file, directory, false)).toThrow(
      `${directory} holds a store already; name another directory, or keep the old one aside with --force`,
    )
    const other = newDirectory()
    mkdirSync(other)
    writeFileSync(join(other, "bantam.db-wal"), "x")
    expect(() => restore(file, other, false)).toThrow("holds a store already")
  })

  test("keeps the old store aside with its log, however damaged, and none of the log is left in its place", async () => {
    const { directory, file } = await backedUp()
    const database = join(directory, "bantam.db")
    writeFileSync(database, "nothing that can be read")
    writeFileSync(`${database}-wal`, "a log")
    writeFileSync(`${database}-shm`, "its index")
    const { keptAside = "" } = restore(file, directory, true)
    expect(keptAside).toMatch(/\/bantam\.db\.replaced-\d{4}-\d\d-\d\dT[\d-]+\.\d{3}Z$/)
    expect(readFileSync(keptAside, "utf8")).toBe("nothing that can be read")
    expect(readFileSync(`${keptAside}-wal`, "utf8")).toBe("a log")
    expect(readdirSync(directory)).toHaveLength(4)
    const [session] = await Array.fromAsync((await open(directory)).sessions())
    expect(session?.queuedMessages).toBe(200)
  })

  test("has a remedy of its own for a damaged backup, and changes nothing", async () => {
    const { file } = await backedUp()
    truncateSync(file, 100_000)
    expect(refusal(file)).toContain(
      `in ${file}: nothing was changed; restore another backup, or copy this one`,
    )
  })

  test("finds what has changed in a message, a retained message, the number of rows, or a batch that comes back", async () => {
    const changes = [
      [
        "UPDATE message SET body = zeroblob(length(body)) WHERE id = 7",
        "a stored message fails its checksum",
      ],
      ["UPDATE retained SET message = zeroblob(length(message))", "a stored message fails its checksum"],
      ["DELETE FROM queue WHERE sequence = 7", "200 queued were stored and 199 found"],
      ["INSERT INTO batch VALUES (1, 1, x'00')", "batches were found, and all had been folded"],
    ] as const
    for (const [sql, finding] of changes) {
      const { file } = await backedUp()
      change(file, sql)
      expect(refusal(file)).toStartWith(`${finding} in ${file}: nothing was changed`)
    }
  })

  test("finds a flipped bit wherever SQLite or a checksum would miss what it held", async () => {
    const { file } = await backedUp()
    const bytes = readFileSync(file)
    const at = bytes.indexOf("number 150 x")
    bytes[at + 500] = (bytes[at + 500] ?? 0) ^ 1
    writeFileSync(file, bytes)
    expect(refusal(file)).toStartWith(`a stored message fails its checksum in ${file}`)
  })

  test("takes no file that is not there, without content, of another program, or of a newer bantam", async () => {
    const { file } = await backedUp()
    expect(refusal(`${file} 2`)).toBe(`${file} 2 is not there; check the path`)
    writeFileSync(`${file} 3`, "")
    expect(refusal(`${file} 3`)).toStartWith(
      `a file without content was found in ${file} 3: nothing was changed`,
    )
    writeFileSync(`${file} 4`, "x".repeat(10_000))
    expect(refusal(`${file} 4`)).toStartWith(`SQLite reports "file is not a database" in ${file} 4`)
    change(`${file} 5`, "CREATE TABLE theirs (id INTEGER)")
    expect(refusal(`${file} 5`)).toBe(
      `${file} 5 is a database of another program: name what bantam backup has written`,
    )
    change(file, "PRAGMA user_version = 99")
    expect(refusal(file)).toContain("was written by a newer bantam (schema 99")
  })
})

describe("a store whose recovery was cut off when all was saved", () => {
  const whole = (directory: string) => join(directory, "bantam.db.whole-then")

  test("is one that a restore does not replace unasked, though its database has no name yet", async () => {
    const { directory, file } = await backedUp()
    renameSync(join(directory, "bantam.db"), whole(directory))
    expect(hasStore(directory)).toBe(true)
    expect(() => restore(file, directory, false)).toThrow(`${directory} holds a store already`)
  })

  test("is kept aside by a restore, which stays in its place at the next start", async () => {
    const { directory, file } = await backedUp()
    const other = newDirectory()
    await close(await open(other))
    renameSync(join(other, "bantam.db"), whole(directory))
    const { keptAside = "" } = restore(file, directory, true)
    const store = await open(directory)
    expect(await Array.fromAsync(store.sessions())).toHaveLength(1)
    await close(store)
    // It was the empty one that had taken the place of the damaged one.
    using kept = new Database(keptAside)
    expect(kept.query("SELECT count(*) AS sessions FROM session").get()).toEqual({ sessions: 0 })
    expect(existsSync(join(directory, "bantam.db.damaged-then"))).toBe(true)
  })

  test("is not taken for one that is not there by a backup", async () => {
    const { directory, file } = await backedUp()
    renameSync(join(directory, "bantam.db"), whole(directory))
    expect(() => backUp(directory, "full", file, true)).toThrow(
      "is being recovered: let the broker serve it first",
    )
  })
})
