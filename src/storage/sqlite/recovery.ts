import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
} from "node:fs"
import { parsePacketId } from "../../protocol/packet.ts"
import { BatchLog } from "./batch-log.ts"
import { ByteReader } from "./bytes.ts"
import { emptyLog, isAgainstRules, isUnreadable, openFile, openReadOnly, type Database } from "./database.ts"
import { createDraft } from "./directory.ts"
import { removeDraft, savedDraft } from "./drafts.ts"
import { lostLogPages } from "./log-check.ts"
import { isIntact, MessageReader, storedFilter } from "./records.ts"
import { replace } from "./replacement.ts"

/** How many rows of each table were saved, and where the damaged file is kept, or its log where there was no more. */
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
  const lost = `
    SELECT (SELECT count(*) FROM queue
        WHERE message NOT IN (SELECT id FROM message) OR qos NOT IN (1, 2) OR released NOT IN (0, 1))
      + (SELECT count(*) FROM subscription WHERE qos NOT IN (0, 1, 2) OR retain_handling NOT IN (0, 1, 2))
      + (SELECT count(*) FROM awaiting_release WHERE packet_id NOT BETWEEN 1 AND 65535) AS lost`
  return database.query<{ lost: number }, []>(lost).get()?.lost === 0
}

/**
 * Saves into a new database what of a damaged one verifies, row by row: each table is read from the front up to the first
 * broken page, then from the back. Then the new one takes the place of the damaged one, which is kept. Until then that
 * stays as it is, its log and the index of it included: whoever is killed before has changed nothing.
 *
 * @throws StoreError there is no room for it
 */
export function recover(file: string, nowMs: number): RecoveredCounts {
  const pages = lostLogPages(file)
  const draft = savedDraft(file)
  const source = sourceOf(file)
  removeRemnants(file)
  for (const suffix of ["", "-wal"]) {
    if (existsSync(`${file}${suffix}`)) linkSync(`${file}${suffix}`, `${source}${suffix}`)
  }
  try {
    if (existsSync(source)) padToItsLength(source, file)
    createDraft(draft)
    const counts = salvage(source, draft)
    const kept = replace(file, draft, nowMs)
    // There may have been a log alone.
    const damagedFile = existsSync(kept) ? kept : `${kept}-wal`
    return { damagedFile, ...counts, lostLogPages: pages }
  } finally {
    removeRemnants(file)
  }
}

/** What a recovery that was killed, or the putting back of a store, has not finished. Only for whoever has the directory. */
export function removeRemnants(file: string): void {
  removeDraft(sourceOf(file))
  removeDraft(savedDraft(file))
}

/** By another name it gets another index: in that of the store stands what the log has lost. */
function sourceOf(file: string): string {
  return `${file}.source`
}

function salvage(source: string, draft: string): Omit<RecoveredCounts, "damagedFile" | "lostLogPages"> {
  const fresh = openFile(draft, "full")
  const damaged = existsSync(source) ? openReadOnly(source) : undefined
  try {
    const counts = new Salvage(damaged, fresh, draft).run()
    // Its file alone takes the place of the damaged one.
    emptyLog(fresh)
    return counts
  } finally {
    damaged?.close()
    fresh.close()
  }
}

/** SQLite opens no file that is shorter than its head says, so what was cut off is made up for with zeros, in a copy. */
function padToItsLength(source: string, file: string): void {
  const length = missingLength(file)
  if (length === undefined) return
  rmSync(source)
  copyFileSync(file, source)
  truncateSync(source, length)
}

/** @returns how long a database must be that is shorter than its head says */
function missingLength(file: string): number | undefined {
  const descriptor = openSync(file, "r")
  try {
    const head = Buffer.alloc(32)
    if (readSync(descriptor, head, 0, 32, 0) < 32 || !isDatabase(head)) return undefined
    // Bytes 16 and 28 of the file: size of a page, where 1 stands for 65,536, and number of pages.
    const pageSize = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16)
    const length = pageSize * head.readUInt32BE(28)
    return fstatSync(descriptor).size < length ? length : undefined
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
      if (!isOneOf(row["qos"], 0, 1, 2) || !isOneOf(row["retain_handling"], 0, 1, 2)) return false
      return isSession(row) && storedFilter(String(row["filter"])) !== undefined
    })
    this.#copy("awaiting_release", ["session", "packet_id"], (row) => {
      return isSession(row) && parsePacketId(Number(row["packet_id"])) !== undefined
    })
    this.#copy("message", ["id"], (row) => this.#isMessage(row["body"]))
    this.#copy("queue", ["session", "sequence"], (row) => {
      if (!isOneOf(row["qos"], 1, 2) || !isOneOf(row["released"], 0, 1)) return false
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
    // A damaged row may name another message than its own, which would come twice. Who had one as a member of a share
    // group besides, gets it once.
    this.#rejected += this.#fresh.run(`
      DELETE FROM queue
      WHERE (session, sequence) NOT IN (SELECT session, min(sequence) FROM queue GROUP BY session, message)`).changes
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
      if (isUnreadable(error)) return false
      throw error
    }
  }

  /** A row that was saved from the other side already, or breaks a rule of its table, is passed over. */
  #insert(table: string, row: Row): void {
    const columns = Object.keys(row)
    const marks = columns.map(() => "?").join(", ")
    const sql = `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${marks})`
    try {
      this.#fresh.query<unknown, Row[string][]>(sql).run(...Object.values(row))
    } catch (error) {
      // What stands there now is of another type, or the name of its column is not what it was.
      if (!isAgainstRules(error) && !isUnreadable(error)) throw error
      this.#rejected += 1
    }
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

function isOneOf(value: Row[string] | undefined, ...allowed: readonly number[]): boolean {
  return typeof value === "number" && allowed.includes(value)
}

function isIntactBatch({ packed, checksum }: Row): boolean {
  return packed instanceof Uint8Array && Bun.hash.crc32(packed) === checksum
}
