import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import { openStore } from "../../src/storage/open-store.ts"
import { emptyLog, openBare } from "../../src/storage/sqlite/database.ts"
import { databaseFile } from "../../src/storage/sqlite/directory.ts"
import { recover } from "../../src/storage/sqlite/recovery.ts"
import { smallDisk } from "../failure/disk.ts"
import { silentLog } from "../support/silent-log.ts"
import { sessionRecord } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

async function open(directory: string) {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  return store
}

async function sessionsIn(directory: string): Promise<number> {
  const store = await open(directory)
  const sessions = await Array.fromAsync(store.sessions())
  await store.close()
  return sessions.length
}

/** Fills a disk but for so much. @returns gives the rest of it back */
function leaveRoom(directory: string, bytes: number): () => void {
  const { bavail, bsize } = statfsSync(directory)
  const filler = join(directory, "filler")
  writeFileSync(filler, new Uint8Array(Math.max(0, bavail * bsize - bytes)))
  return () => rmSync(filler)
}

function tried(file: string): string {
  try {
    recover(file, Date.now())
    return "recovered"
  } catch (error) {
    return String(error)
  }
}

const probe = smallDisk()
probe?.[Symbol.dispose]()
if (probe === undefined) console.log("skipped: tests on a small disk, which we may not mount")

test("a log that a reader holds is not taken for one that is in the database", () => {
  const file = join(newDirectory(), "..", "read.db")
  writeFileSync(file, "")
  using database = openBare(file)
  database.run("PRAGMA journal_mode = WAL; CREATE TABLE filler (bytes BLOB)")
  using reader = openBare(file)
  reader.run("BEGIN; SELECT * FROM filler")
  database.run("INSERT INTO filler VALUES (randomblob(9000))")
  expect(() => emptyLog(database)).toThrow("another process holds it")
  reader.run("COMMIT")
  emptyLog(database)
  expect(statSync(`${file}-wal`).size).toBe(0)
})

describe.skipIf(probe === undefined)(
  "where the disk has room for the log of a new database and not for both",
  () => {
    test("a start is refused, and leaves nothing that would stop the next one", async () => {
      using disk = smallDisk()
      if (disk === undefined) throw new Error("there is no disk any more")
      let refusals = 0
      for (let kibibytes = 80; kibibytes <= 480; kibibytes += 40) {
        const directory = join(disk.directory, String(kibibytes))
        const free = leaveRoom(disk.directory, kibibytes * 1024)
        const why = await sessionsIn(directory).then(() => undefined, String)
        free()
        if (why !== undefined) {
          refusals += 1
          expect(why).toContain("make room on its disk")
          expect(readdirSync(directory).filter((name) => name.includes(".new"))).toEqual([])
        }
        expect(await sessionsIn(directory)).toBe(0)
        rmSync(directory, { recursive: true })
      }
      expect(refusals).toBeGreaterThan(0)
    })

    test("a recovery says so, and leaves what it was to save", async () => {
      using disk = smallDisk(16)
      if (disk === undefined) throw new Error("there is no disk any more")
      const directory = join(disk.directory, "store")
      const file = databaseFile(directory)
      const store = await open(directory)
      for (let session = 0; session < 500; session++) {
        store.create(sessionRecord(`${session} ${"x".repeat(2000)}`))
      }
      await store.close()
      const before = readFileSync(file)
      const { size } = statSync(file)
      const outcomes = new Set<string>()
      for (let room = 0.6; room < 3.4; room += 0.2) {
        const free = leaveRoom(disk.directory, size * room)
        const outcome = tried(file)
        free()
        outcomes.add(outcome)
        const found =
          outcome === "recovered" ? await sessionsIn(directory) : readFileSync(file).equals(before)
        expect({ outcome, found }).toEqual({ outcome, found: outcome === "recovered" ? 500 : true })
        expect(readdirSync(directory).filter((name) => /saved|source/.test(name))).toEqual([])
        for (const name of readdirSync(directory)) rmSync(join(directory, name))
        writeFileSync(file, before)
      }
      expect([...outcomes].toSorted()).toEqual(["SQLiteError: database or disk is full", "recovered"])
    })
  },
)
