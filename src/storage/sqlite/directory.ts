import { chmodSync, chownSync, closeSync, existsSync, linkSync, openSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { damage, StoreError } from "../store-error.ts"
import { draftOf, removeDraft } from "./drafts.ts"
import {
  asStoreError,
  emptyLog,
  guarded,
  initialize,
  isBusy,
  isDamage,
  openBare,
  openFile,
  pragma,
} from "./database.ts"
import { isBeingReplaced } from "./replacement.ts"
import { makeDirectory, syncPath } from "./sync-path.ts"

const ownerAlone = 0o600

/** The database within a store's directory. */
export function databaseFile(directory: string): string {
  return join(directory, "bantam.db")
}

/**
 * False where opening it would begin a new one. A recovery that was cut off may have left no database of that name.
 *
 * @throws StoreError the directory cannot be read
 */
export function holdsStore(directory: string): boolean {
  const file = databaseFile(directory)
  return guarded(directory, () => existsSync(file) || isBeingReplaced(file))
}

/**
 * Sees to it that the directory and the database are there, readable by their owner alone.
 *
 * @throws StoreError the file is there, but without content, or only what belongs to it is there
 */
export function prepareDirectory(directory: string): void {
  makeDirectory(directory)
  const file = databaseFile(directory)
  if (!existsSync(file)) {
    if (existsSync(`${file}-wal`))
      throw damage("the database is gone, and only its log is left", `${file}-wal`)
    createDatabase(file)
  }
  // SQLite takes a file without content for a new database; ours has never been empty.
  if (statSync(file).size === 0) throw damage("a file without content was found", file)
  chmodSync(file, ownerAlone)
  // SQLite gives them the mode that the database has; they may be of a time when that was another.
  for (const suffix of ["-wal", "-shm"]) keepFromOthers(`${file}${suffix}`)
}

/** Another process may take the file away meanwhile, and that of another owner is not for us to change. */
function keepFromOthers(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(file, ownerAlone)
}

/** Whoever manages a store is often root, and who serves it is not: what root made belongs to the owner of the directory. */
export function giveToOwner(directory: string, file: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(directory)
  chownSync(file, uid, gid)
}

/** Made elsewhere and put in its place whole: a crash, or another process, leaves no half of it, nor does a power cut. */
export function createDatabase(file: string): void {
  const draft = draftOf(file)
  try {
    createDraft(draft)
    linkSync(draft, file)
  } catch (error) {
    if (!existsSync(file)) throw error
  } finally {
    removeDraft(draft)
  }
  // Before there is a log, for a log without its database is taken for damage.
  syncPath(dirname(file))
}

/** A database of ours with nothing in it. */
export function createDraft(draft: string): void {
  removeDraft(draft)
  createEmpty(draft)
  const database = openFile(draft, "full")
  try {
    initialize(database)
    emptyLog(database)
  } finally {
    database.close()
  }
}

/** Another process has the directory. */
export class DirectoryServedError extends StoreError {
  readonly processId: number

  constructor(directory: string, processId: number) {
    super(`${directory} is already served by process ${processId}: stop it, or choose another`)
    this.processId = processId
  }
}

const askingMs = 50

export interface DirectoryLock {
  readonly file: string
  release(): void
}

/**
 * Takes the directory for this process alone. The lock is a transaction that never ends, on an SQLite file of its
 * own: the system drops it with the process, however that ends. The file names its holder.
 *
 * @throws DirectoryServedError, StoreError
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = join(directory, "bantam.lock")
  if (!existsSync(file)) createEmpty(file)
  keepFromOthers(file)
  const database = guarded(file, () => openBare(file))
  try {
    // Whoever only asks who holds it, does so for an instant as well.
    database.run(`PRAGMA busy_timeout = ${askingMs}`)
    database.run("BEGIN IMMEDIATE")
    database.run(`PRAGMA user_version = ${process.pid}`)
    database.run("COMMIT")
    database.run("BEGIN IMMEDIATE")
  } catch (error) {
    const holder = isBusy(error) ? pragma(database, "user_version") : undefined
    database.close()
    // There is nothing in it to be saved.
    if (isDamage(error)) throw new StoreError(`${file} is no lock of bantam's: remove it`)
    if (holder === undefined) throw asStoreError(error, file)
    throw new DirectoryServedError(directory, holder)
  }
  return {
    file,
    release() {
      database.run("ROLLBACK")
      database.close()
    },
  }
}

/**
 * Who has the directory at the moment; undefined: nobody. Leaves the lock as it is.
 *
 * @throws StoreError it cannot be told
 */
export function lockHolder(directory: string): number | undefined {
  const file = join(directory, "bantam.lock")
  if (!existsSync(file)) return undefined
  return guarded(file, () => {
    const database = openBare(file)
    try {
      database.run("BEGIN IMMEDIATE")
      database.run("ROLLBACK")
      return undefined
    } catch (error) {
      if (isBusy(error)) return pragma(database, "user_version")
      throw error
    } finally {
      database.close()
    }
  })
}

function createEmpty(file: string): void {
  closeSync(openSync(file, "a", ownerAlone))
  giveToOwner(dirname(file), file)
}
