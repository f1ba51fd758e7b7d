import { Database, SQLiteError } from "bun:sqlite"
import { damage, StoreError } from "../store-error.ts"
import { applicationId, migrations } from "./schema.ts"

export type { Database, Statement } from "bun:sqlite"

/**
 * full: what is acknowledged survives a power cut. normal: it survives the end of the process, and a power cut may
 * take the last moments. none: acknowledged before it is written.
 */
export const durabilities = ["full", "normal", "none"] as const
export type Durability = (typeof durabilities)[number]

const synchronous = { full: "FULL", normal: "NORMAL", none: "OFF" } as const satisfies Record<
  Durability,
  string
>

/** Another process that writes (an account from the command line) holds the lock for a few milliseconds. */
const busyTimeoutMs = 5000

const mostPages = 0xffff_fffe

/**
 * A log that has grown beyond this, as while a backup was made, is cut to it when it is begun anew. It is written back at
 * 4 MiB, so in everyday work it is never cut, which would cost a few milliseconds each time.
 */
const longestLogBytes = 16 * 1_048_576

/** Opens an SQLite file that is there, though it may be empty. */
export function openBare(file: string): Database {
  return new Database(file, { readwrite: true, create: false, strict: true })
}

/** Opens an SQLite file that must stay as it is, its log included. */
export function openReadOnly(file: string): Database {
  return new Database(file, { readonly: true, strict: true })
}

/**
 * Opens a store's database to read it beside whoever writes it. Not as read-only, for then nobody would take away the
 * log and its index that SQLite lays beside it.
 */
export function openSource(file: string): Database {
  const database = openBare(file)
  try {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens a file that nobody knows yet. It is written to the disk when it is finished, by whoever finishes it. */
export function openDraft(file: string): Database {
  const database = openBare(file)
  try {
    database.run("PRAGMA journal_mode = MEMORY")
    database.run("PRAGMA synchronous = OFF")
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens a file for the store. A write waits until other processes are done: begin with `immediate`. */
export function openFile(file: string, durability: Durability): Database {
  const database = openBare(file)
  try {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    database.run("PRAGMA journal_mode = WAL")
    database.run(`PRAGMA journal_size_limit = ${longestLogBytes}`)
    database.run(`PRAGMA synchronous = ${synchronous[durability]}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Makes sure that the file is ours, of a version that we know, and brings it up to the present one, which it then is.
 *
 * @throws StoreError
 */
export function adopt(database: Database, file: string): void {
  checkIsOurs(database, file)
  if (isOlder(database)) migrate(database)
  const found = new Set(structureOf(database, file))
  structure ??= expectedStructure()
  const missing = structure.find((part) => !found.has(part))
  if (missing !== undefined) throw damage(`there is no ${missing} as it was made`, file)
}

let structure: readonly string[] | undefined

function expectedStructure(): readonly string[] {
  using model = new Database(":memory:")
  initialize(model)
  return structureOf(model, ":memory:")
}

/**
 * Tables by their columns, everything else by what made it. The words that made a table are not compared: SQLite writes
 * them anew when it is changed, and another version may do it otherwise.
 */
function structureOf(database: Database, file: string): string[] {
  try {
    return database
      .query<{ part: string }, []>(
        `SELECT 'column ' || tables.name || '.' || columns.name || ' ' || columns.type || columns.pk AS part
           FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'
         UNION ALL SELECT type || ' ' || name || ': ' || sql FROM sqlite_schema WHERE type <> 'table' AND sql NOT NULL`,
      )
      .all()
      .map(({ part }) => part)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    throw damage(`SQLite reports "${error.message}"`, file)
  }
}

/** Makes sure that the file is ours, of a version that we know. @throws StoreError */
export function checkIsOurs(database: Database, file: string): void {
  if (pragma(database, "application_id") !== applicationId) {
    const finding = `${file} is a database of another program`
    throw new StoreError(`${finding}: choose another directory`, false, finding)
  }
  const version = pragma(database, "user_version")
  if (version > migrations.length) {
    throw new StoreError(
      `${file} was written by a newer bantam (schema ${version}, this one knows ${migrations.length}): use that one`,
    )
  }
}

/** Ours, and of a version whose tables have yet to be changed. */
export function isOlder(database: Database): boolean {
  return (
    pragma(database, "application_id") === applicationId &&
    pragma(database, "user_version") < migrations.length
  )
}

/** Takes the steps that are missing, all of them or none. */
function migrate(database: Database): void {
  database
    .transaction(() => {
      for (const step of migrations.slice(pragma(database, "user_version"))) database.run(step)
      database.run(`PRAGMA user_version = ${migrations.length}`)
    })
    .immediate()
}

/** Makes an empty database ours. */
export function initialize(database: Database): void {
  database.run(`PRAGMA application_id = ${applicationId}`)
  migrate(database)
}

/**
 * Puts all that is in the log into the database, so that its file alone is whole. Closing does so as well, and says
 * nothing when there is no room for it.
 *
 * @throws SQLiteError, StoreError it could not
 */
export function emptyLog(database: Database): void {
  const done = database.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()
  if (done?.busy !== 0) throw new StoreError(`${database.filename}: another process holds it, so try again`)
}

/** @param maximumBytes no write makes the file larger than this; undefined: as large as SQLite can */
export function limitSize(database: Database, maximumBytes: number | undefined): void {
  const pageSize = database.query<{ page_size: number }, []>("PRAGMA page_size").get()?.page_size ?? 4096
  const pages = maximumBytes === undefined ? mostPages : Math.ceil(maximumBytes / pageSize)
  database.run(`PRAGMA max_page_count = ${pages}`)
}

/** @throws StoreError what SQLite finds wrong with the structure of the file */
export function quickCheck(database: Database, file: string): void {
  const found = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check
  if (found === "ok") return
  // The first of its lines names the database, which has only one name.
  const [what = "nothing"] = (found ?? "").split("\n").slice(-1)
  throw damage(`SQLite reports "${what}"`, file)
}

export function pragma(database: Database, name: "application_id" | "user_version"): number {
  const row = database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()
  return row?.[name] ?? 0
}

/** The file is not what SQLite wrote. */
export function isDamage(error: unknown): error is SQLiteError {
  return error instanceof SQLiteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code ?? "")
}

/** The file is not what SQLite wrote, or says that it holds something else than it does. */
export function isUnreadable(error: unknown): error is SQLiteError {
  return isDamage(error) || (error instanceof SQLiteError && error.code === "SQLITE_ERROR")
}

/** A rule of the table is broken, such as the type of a column. */
export function isAgainstRules(error: unknown): boolean {
  return error instanceof SQLiteError && error.code?.startsWith("SQLITE_CONSTRAINT") === true
}

export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY") === true
}

/** By the beginning of SQLite's code. */
const remedies = {
  SQLITE_FULL: "make room on its disk",
  SQLITE_IOERR: "see what the system says about its disk",
  SQLITE_READONLY: "check who may write there",
  SQLITE_CANTOPEN: "check what stands there and who may write it",
  SQLITE_BUSY: "another process holds it, so try again",
} as const

/**
 * Turns what SQLite or the system says about a file into a sentence with a remedy; what is a bug of ours stays what it
 * is.
 */
export function asStoreError(error: unknown, file: string): unknown {
  if (isDamage(error)) return damage(`SQLite reports "${error.message}"`, file)
  if (error instanceof SQLiteError) {
    const known = Object.entries(remedies).find(([code]) => error.code?.startsWith(code))
    return known === undefined ? error : new StoreError(`${file}: ${error.message}; ${known[1]}`)
  }
  return isSystemError(error) ? new StoreError(sentenceOf(error)) : error
}

/** Does what opens or asks the database in `file`. @throws StoreError in place of what SQLite or the system throws */
export function guarded<Result>(file: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw asStoreError(error, file)
  }
}

interface SystemError extends Error {
  readonly path: string
  readonly syscall: string
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && "path" in error && "syscall" in error
}

function sentenceOf({ path, syscall, message }: SystemError): string {
  const [, reason = message] = /^\w+: ([^,]+)/.exec(message) ?? []
  return `${path}: cannot ${syscall} (${reason}); check the path and who may write there`
}
