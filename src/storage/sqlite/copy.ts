import { closeSync, existsSync, openSync, statSync } from "node:fs"
import { damage, StoreError } from "../store-error.ts"
import { BatchLog } from "./batch-log.ts"
import {
  adopt,
  asStoreError,
  isDamage,
  checkIsOurs,
  guarded,
  isOlder,
  openDraft,
  openSource,
  quickCheck,
  type Database,
} from "./database.ts"
import { removeDraft } from "./drafts.ts"
import { checkHead, closeHead } from "./head.ts"
import { checkLog } from "./log-check.ts"
import { allIsIntact } from "./recovery.ts"
import { isBeingReplaced } from "./replacement.ts"
import { syncPath } from "./sync-path.ts"

/** How many rows of each kind a copy holds. */
export interface CopiedCounts {
  readonly sessions: number
  readonly subscriptions: number
  readonly queued: number
  readonly retained: number
  readonly users: number
  readonly groups: number
  readonly accessRules: number
  readonly bans: number
  readonly auditEntries: number
  /** Length of the file. */
  readonly bytes: number
}

/**
 * Writes all that is committed in a store's database into a new file, as a store that was closed cleanly: of the present
 * schema, its batches folded, its rows counted. The source stays as it is, and whoever writes it goes on meanwhile: the
 * copy reads one state of it. Its write-ahead log cannot begin anew until the copy is done, and grows.
 *
 * What is copied is checked: rows against the last clean close, messages and batches against their checksums.
 *
 * @param logIsChecked the source was written with durability full, so a damaged log can be told from a broken one
 * @throws StoreError the source is damaged, foreign or too new; there is no room; then nothing is left of the copy
 */
export function copyStore(source: string, copy: string, logIsChecked: boolean): CopiedCounts {
  removeDraft(copy)
  try {
    // The mode is ours from the first byte on; SQLite takes an empty file for a new one.
    closeSync(openSync(copy, "wx", 0o600))
    copyPages(source, copy, logIsChecked)
    return guarded(copy, () => finish(source, copy))
  } catch (error) {
    removeDraft(copy)
    throw error
  }
}

/** Checks the structure of a store's database and all that is in it, and changes nothing. @throws StoreError */
export function checkStore(file: string, logIsChecked: boolean): void {
  readSource(file, logIsChecked, (database) => {
    // One state of it, for a broker may be writing.
    database.run("BEGIN")
    quickCheck(database, file)
    checkContent(database, file)
    checkBatches(database, file)
  })
}

/** Puts all that is in a database's log into the database itself, as far as both can be read. */
export function writeLogBack(file: string): void {
  if (!existsSync(file) || !existsSync(`${file}-wal`)) return
  try {
    checkLog(file)
    const database = openSource(file)
    try {
      checkIsOurs(database, file)
      database.query("PRAGMA wal_checkpoint(PASSIVE)").get()
    } finally {
      database.close()
    }
  } catch (error) {
    if (!(asStoreError(error, file) instanceof StoreError)) throw error
  }
}

function copyPages(source: string, copy: string, logIsChecked: boolean): void {
  readSource(source, logIsChecked, (database) => {
    try {
      database.query<unknown, [string]>("VACUUM INTO ?").run(copy)
    } catch (error) {
      // A full disk is that of the copy.
      throw asStoreError(error, isDamage(error) ? source : copy)
    }
  })
}

/** Lets a database be read that another process may be writing. */
export function readSource<Result>(
  file: string,
  logIsChecked: boolean,
  read: (database: Database) => Result,
): Result {
  return guarded(file, () => {
    if (isBeingReplaced(file)) {
      throw new StoreError(`${file} is being recovered: let the broker serve it first`)
    }
    if (!existsSync(file)) throw new StoreError(`${file} is not there; check the path`)
    // SQLite takes a file without content for a new database; ours has never been empty.
    if (statSync(file).size === 0) throw damage("a file without content was found", file)
    // The last to close a database writes its log back, and with it would go what shows that something is lost.
    if (logIsChecked) checkLog(file)
    const database = openSource(file)
    try {
      checkIsOurs(database, file)
      return read(database)
    } finally {
      database.close()
    }
  })
}

function finish(source: string, copy: string): CopiedCounts {
  const database = openDraft(copy)
  let counts: Omit<CopiedCounts, "bytes">
  try {
    adopt(database, copy)
    checkContent(database, source)
    new BatchLog(database, source).foldAll()
    closeHead(database)
    counts = countAll(database)
  } finally {
    database.close()
  }
  syncPath(copy)
  return { ...counts, bytes: statSync(copy).size }
}

function checkContent(database: Database, file: string): void {
  checkHead(database, file)
  if (!allIsIntact(database)) throw damage("a stored message fails its checksum", file)
}

/** The checksums alone: what is in them is read when they are folded. */
function checkBatches(database: Database, file: string): void {
  if (isOlder(database)) return
  const batches = database.query<{ id: number; checksum: number; packed: Uint8Array }, []>(
    "SELECT id, checksum, packed FROM batch ORDER BY id",
  )
  for (const { id, checksum, packed } of batches.iterate()) {
    if (Bun.hash.crc32(packed) !== checksum) throw damage(`batch ${id} fails its checksum`, file)
  }
}

function countAll(database: Database): Omit<CopiedCounts, "bytes"> {
  const count = (table: string) =>
    database.query<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${table}`).get()?.rows ?? 0
  return {
    sessions: count("session"),
    subscriptions: count("subscription"),
    queued: count("queue"),
    retained: count("retained"),
    users: count("user"),
    groups: count("user_group"),
    accessRules: count("access_rule"),
    bans: count("ban"),
    auditEntries: count("audit"),
  }
}
