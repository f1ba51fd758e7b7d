import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs"
import { parseSubscriptionFilter } from "../../protocol/topic.ts"
import { BatchLog } from "./batch-log.ts"
import { ByteReader } from "./bytes.ts"
import { isDamage, openFile, openReadOnly, type Database } from "./database.ts"
import { createDatabase } from "./directory.ts"
import { lostLogPages } from "./log-check.ts"
import { isIntact, MessageReader } from "./records.ts"

/** How many rows of each table were saved, and where the damaged file is kept. */
export interface RecoveredCounts {
  readonly damagedFile: string
  readonly sessions: number
  readonly subscriptions: number
  readonly queued: number
  readonly retained: number
  readonly users: number
  readonly accessRules: number
  /** Rows that were read, and were not what was once written. */
  readonly rejected: number
  /** Pages of the log that hold what was committed and cannot be read. */
  readonly lostLogPages: number
}

/** Whether every message that is stored is still what was stored. Reads the whole database. */
export function allIsIntact(database: Database): boolean {
  for (const sql of ["SELECT body FROM message", "SELECT message AS body FROM retained"]) {
    for (const { body } of database.query<{ body: Uint8Array }, []>(sql).iterate()) {
      if (!isIntact(body)) return false
    }
  }
  const lost = `SELECT count(*) AS lost FROM queue WHERE message NOT IN (SELECT id FROM message)`
  return database.query<{ lost: number }, []>(lost).get()?.lost === 0
}

/**
 * Sets a damaged database aside and saves into a new one what verifies, row by row: each table is read from the
 * front up to the first broken page, then from the back.
 */
export function recover(file: string, nowMs: number): RecoveredCounts {
  const pages = lostLogPages(file)
  const damagedFile = `${file}.damaged-${new Date(nowMs).toISOString().replaceAll(":", "-")}`
  for (const suffix of ["-wal", ""]) {
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${damagedFile}${suffix}`)
  }
  // An index of the log, which SQLite makes anew.
  rmSync(`${file}-shm`, { force: true })
  if (existsSync(damagedFile)) padToItsLength(damagedFile)
  createDatabase(file)
  const fresh = openFile(file, "full")
  const damaged = existsSync(damagedFile) ? openReadOnly(damagedFile) : undefined
  try {
    return { damagedFile, ...new Salvage(damaged, fresh, file).run(), lostLogPages: pages }
  } finally {
    damaged?.close()
    rmSync(`${damagedFile}-shm`, { force: true })
    fresh.close()
  }
}

/** SQLite opens no file that is shorter than its head says, so what was cut off is made up for with zeros. */
function padToItsLength(file: string): void {
  const descriptor = openSync(file, "r+")
  try {
    const head = Buffer.alloc(32)
    if (readSync(descriptor, head, 0, 32, 0) < 32) return
    // Bytes 16 and 28 of the file: size of a page, where 1 stands for 65,536, and number of pages.
    const pageSize = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16)
    const length = pageSize * head.readUInt32BE(28)
    if (fstatSync(descriptor).size < length && isDatabase(head)) ftruncateSync(descriptor, length)
  } finally {
    closeSync(descriptor)
  }
}

function isDatabase(head: Buffer): boolean {
  return head.subarray(0, 16).toString("latin1") === "SQLite format 3\0"
}

type Row = Record<string, string | number | Uint8Array | null>

class Salvage {
  readonly #damaged: Database | undefined
  readonly #fresh: Database
  readonly #file: string
  readonly #messages = new MessageReader()
  #rejected = 0

  /** @param file where the fresh one is */
  constructor(damaged: Database | undefined, fresh: Database, file: string) {
    this.#damaged = damaged
    this.#fresh = fresh
    this.#file = file
  }

  run(): Omit<RecoveredCounts, "damagedFile" | "lostLogPages"> {
    this.#fresh.transaction(() => this.#copyAll()).immediate()
    new BatchLog(this.#fresh, this.#file).foldAll()
    this.#fresh.transaction(() => this.#dropStrays()).immediate()
    return { ...this.#counts(), rejected: this.#rejected }
  }

  #copyAll(): void {
    const isSession = (row: Row) => this.#exists("session", "id", row["session"])
    this.#copy("session", ["id"], () => true, withIntactWill)
    this.#copy("subscription", ["session", "filter"], (row) => {
      return isSession(row) && parseSubscriptionFilter(String(row["filter"])) !== undefined
    })
    this.#copy("awaiting_release", ["session", "packet_id"], isSession)
    this.#copy("message", ["id"], (row) => this.#isMessage(row["body"]))
    this.#copy("queue", ["session", "sequence"], (row) => {
      return isSession(row) && this.#exists("message", "id", row["message"])
    })
    this.#countHolders()
    this.#copy("retained", ["topic"], (row) => this.#isMessage(row["message"], row["topic"]))
    this.#copy("user", ["name"], () => true)
    this.#copy("user_group", ["name"], () => true)
    this.#copy("access_rule", ["id"], () => true)
    this.#copy("ban", ["id"], () => true)
    this.#copy("audit", ["id"], () => true)
    this.#copy("dropped", ["hour", "client_id", "why", "prefix"], () => true)
    this.#copy("clock", ["id"], () => true)
    // How far the first was folded is not copied: what is there already is passed over when it comes again.
    this.#copy("batch", ["id"], isIntactBatch)
  }

  /** Batches may speak of sessions that are lost, and a message may be stored again that is there. */
  #dropStrays(): void {
    for (const table of ["subscription", "awaiting_release", "queue"]) {
      this.#fresh.run(`DELETE FROM ${table} WHERE session NOT IN (SELECT id FROM session)`)
    }
    this.#countHolders()
  }

  #counts(): Pick<
    RecoveredCounts,
    "sessions" | "subscriptions" | "queued" | "retained" | "users" | "accessRules"
  > {
    const count = (table: string) =>
      this.#fresh.query<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${table}`).get()?.rows ?? 0
    return {
      sessions: count("session"),
      subscriptions: count("subscription"),
      queued: count("queue"),
      retained: count("retained"),
      users: count("user"),
      accessRules: count("access_rule"),
    }
  }

  #copy(
    table: string,
    key: readonly string[],
    isSound: (row: Row) => boolean,
    repair = (row: Row): Row => row,
  ): void {
    for (const direction of ["ASC", "DESC"]) {
      const order = key.map((column) => `${column} ${direction}`).join(", ")
      const reachedTheEnd = this.#read(`SELECT * FROM ${table} ORDER BY ${order}`, (row) => {
        if (isSound(row)) this.#insert(table, repair(row))
        else this.#rejected += 1
      })
      if (reachedTheEnd) break
    }
  }

  /** @returns false when a broken page ended it */
  #read(sql: string, take: (row: Row) => void): boolean {
    try {
      for (const row of this.#damaged?.query<Row, []>(sql).iterate() ?? []) take(row)
      return true
    } catch (error) {
      // A file that is not even a database has no such table.
      if (isDamage(error) || String(error).includes("no such table")) return false
      throw error
    }
  }

  /** A row that was saved from the other side already, or breaks a rule of its table, is passed over. */
  #insert(table: string, row: Row): void {
    const columns = Object.keys(row)
    const marks = columns.map(() => "?").join(", ")
    const sql = `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${marks})`
    this.#fresh.query<unknown, Row[string][]>(sql).run(...Object.values(row))
  }

  #exists(table: string, column: string, value: Row[string] | undefined): boolean {
    if (typeof value !== "number") return false
    return this.#fresh.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`).get(value) !== null
  }

  #isMessage(record: Row[string] | undefined, topic?: Row[string]): boolean {
    if (!(record instanceof Uint8Array) || !isIntact(record)) return false
    const message = this.#messages.read(new ByteReader(record), record.length)
    return message !== undefined && (topic === undefined || topic === message.topic.name)
  }

  #countHolders(): void {
    this.#fresh.run(`
      DELETE FROM shared;
      INSERT INTO shared SELECT message, count(*) FROM queue GROUP BY message HAVING count(*) > 1;
      DELETE FROM message WHERE id NOT IN (SELECT message FROM queue);`)
  }
}

function withIntactWill(row: Row): Row {
  const will = row["will"]
  return will instanceof Uint8Array && !isIntact(will) ? { ...row, will: null } : row
}

function isIntactBatch({ packed, checksum }: Row): boolean {
  return packed instanceof Uint8Array && Bun.hash.crc32(packed) === checksum
}
