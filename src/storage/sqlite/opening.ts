import { damage, StoreError } from "../store-error.ts"
import { BatchLog } from "./batch-log.ts"
import { adopt, guarded, isOlder, openFile, quickCheck, type Database, type Durability } from "./database.ts"
import {
  databaseFile,
  DirectoryServedError,
  lockDirectory,
  prepareDirectory,
  type DirectoryLock,
} from "./directory.ts"
import { removeStaleDrafts } from "./drafts.ts"
import type { WorkerSettings } from "./exchange.ts"
import { checkHead, openHead } from "./head.ts"
import { checkLog } from "./log-check.ts"
import { allIsIntact, recover, removeRemnants, type RecoveredCounts } from "./recovery.ts"
import { finishReplacement, isBeingReplaced } from "./replacement.ts"
import { makeDirectory } from "./sync-path.ts"
import { TimeKeeper } from "./time-keeper.ts"

export interface Opened {
  readonly database: Database
  /** All that was committed is folded. */
  readonly log: BatchLog
  readonly time: TimeKeeper
  readonly lock: DirectoryLock
  readonly recovered: RecoveredCounts | undefined
}

/**
 * Opens the store's database for the one process that serves it, after all checks.
 *
 * @throws StoreError it is damaged, foreign, too new, or served by another process
 */
export function openServed(settings: WorkerSettings): Opened {
  return guarded(databaseFile(settings.directory), () => {
    makeDirectory(settings.directory)
    const lock = lockDirectory(settings.directory)
    try {
      const file = databaseFile(settings.directory)
      removeStaleDrafts(file)
      const { database, log, recovered } = openOrRecover(settings)
      return closingUponError(database, () => {
        // Only now, for until it is open they may be all there is to look into.
        removeRemnants(file)
        openHead(database)
        return { database, log, time: new TimeKeeper(database), lock, recovered }
      })
    } catch (error) {
      lock.release()
      throw error
    }
  })
}

/**
 * Opens the same database for accounts alone, whether it is served at the moment or not.
 *
 * @param durability with which it is served
 * @throws StoreError it is damaged, foreign, too new, or served by an older bantam
 */
export function openUnserved(directory: string, durability: Durability): Database {
  const file = databaseFile(directory)
  return guarded(file, () => {
    makeDirectory(directory)
    if (isBeingReplaced(file)) withLock(directory, () => finishReplacement(file))
    prepareDirectory(directory)
    // The last to close a database writes its log back, and with it would go what shows that something is lost.
    if (durability === "full") checkLog(file)
    const database = openFile(file, "full")
    return closingUponError(database, () => {
      adoptUnserved(database, directory)
      return database
    })
  })
}

/** A broker that serves an older version goes on in its tables, so they are not changed under it. */
function adoptUnserved(database: Database, directory: string): void {
  const file = databaseFile(directory)
  if (!isOlder(database)) return adopt(database, file)
  try {
    withLock(directory, () => adopt(database, file))
  } catch (error) {
    if (!(error instanceof DirectoryServedError)) throw error
    throw new StoreError(
      `${directory} is served by process ${error.processId}, an older bantam: start that anew with this one first`,
    )
  }
}

/** @throws DirectoryServedError */
function withLock(directory: string, work: () => void): void {
  const lock = lockDirectory(directory)
  try {
    work()
  } finally {
    lock.release()
  }
}

function openOrRecover(settings: WorkerSettings): Pick<Opened, "database" | "log" | "recovered"> {
  try {
    return { ...openChecked(settings), recovered: undefined }
  } catch (error) {
    if (!settings.recover || !(error instanceof StoreError) || !error.damaged) throw error
    const recovered = recover(databaseFile(settings.directory), Date.now())
    return { ...openChecked(settings), recovered }
  }
}

function openChecked(settings: WorkerSettings): Pick<Opened, "database" | "log"> {
  const file = databaseFile(settings.directory)
  return guarded(file, () => {
    finishReplacement(file)
    prepareDirectory(settings.directory)
    if (settings.durability === "full") checkLog(file)
    const database = openFile(file, settings.durability)
    return closingUponError(database, () => {
      // The worker decides when to checkpoint: after it has answered.
      database.run("PRAGMA wal_autocheckpoint = 0")
      adopt(database, file)
      if (settings.quickCheck || settings.recover) quickCheck(database, file)
      checkHead(database, file)
      const log = new BatchLog(database, file, settings.maximumBytes)
      log.foldAll()
      if (settings.recover && !allIsIntact(database))
        throw damage("a stored message fails its checksum", file)
      return { database, log }
    })
  })
}

function closingUponError<Result>(database: Database, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    database.close()
    throw error
  }
}
