import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { checkLog, lostLogPages } from "../../src/storage/sqlite/log-check.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()
const frameBytes = 4120

/**
 * A database with its log as a killed process leaves both: three transactions, and behind them, if asked for, what is left
 * of a fourth that was rolled back after a part of it had gone into the log.
 *
 * @returns a copy whose index is gone, as after a power cut
 */
function leftBehind({ rolledBack }: { readonly rolledBack: boolean }): { file: string; frames: number } {
  const directory = newDirectory()
  mkdirSync(directory, { recursive: true })
  using database = new Database(join(directory, "served.db"))
  database.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 10")
  database.run("CREATE TABLE filler (bytes BLOB)")
  database.run("INSERT INTO filler VALUES (randomblob(20000))")
  if (rolledBack) {
    database.run("BEGIN")
    for (let row = 0; row < 40; row++) database.run("INSERT INTO filler VALUES (randomblob(20000))")
    database.run("ROLLBACK")
  }
  database.run("INSERT INTO filler VALUES (randomblob(9000))")
  const log = database.query<{ log: number }, []>("PRAGMA wal_checkpoint(NOOP)").get()
  const file = join(directory, "left.db")
  cpSync(join(directory, "served.db"), file)
  cpSync(join(directory, "served.db-wal"), `${file}-wal`)
  return { file, frames: log?.log ?? 0 }
}

function harm(file: string, at: number): void {
  const bytes = readFileSync(`${file}-wal`)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(`${file}-wal`, bytes)
}

describe("a log is damaged if it lost more than a power cut can take", () => {
  test("a broken last transaction is no damage", () => {
    const { file, frames } = leftBehind({ rolledBack: false })
    harm(file, 32 + (frames - 2) * frameBytes + 1000)
    checkLog(file)
  })

  test("nor is one behind which another lies that was rolled back", () => {
    const { file, frames } = leftBehind({ rolledBack: true })
    expect(readFileSync(`${file}-wal`).length).toBeGreaterThan(32 + (frames + 5) * frameBytes)
    harm(file, 32 + (frames - 2) * frameBytes + 1000)
    checkLog(file)
  })

  test("a broken transaction that was followed by another is", () => {
    const { file } = leftBehind({ rolledBack: false })
    harm(file, 32 + 1000)
    expect(() => checkLog(file)).toThrow("can be read no more")
  })

  test.each([0, 9, 17])(
    "frames behind a header that is broken at byte %d are lost, whatever it says",
    (byte) => {
      const { file, frames } = leftBehind({ rolledBack: false })
      harm(file, byte)
      expect(lostLogPages(file)).toBe(frames)
    },
  )

  test("a log that is not there has lost nothing", () => {
    const { file } = leftBehind({ rolledBack: false })
    rmSync(`${file}-wal`)
    checkLog(file)
  })
})
