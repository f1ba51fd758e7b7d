import { existsSync, linkSync, realpathSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname } from "node:path"
import { type CopiedCounts, checkStore, copyStore, writeLogBack } from "./sqlite/copy.ts"
import { type Durability, guarded, openFile } from "./sqlite/database.ts"
import { databaseFile, giveToOwner, holdsStore, lockDirectory } from "./sqlite/directory.ts"
import { draftOf, hasCode, removeDraft, removeStaleDrafts } from "./sqlite/drafts.ts"
import { finishReplacement, stampOf } from "./sqlite/replacement.ts"
import { makeDirectory, syncPath } from "./sqlite/sync-path.ts"
import { StoreError } from "./store-error.ts"

export type { CopiedCounts } from "./sqlite/copy.ts"

/**
 * Copies the store of a data directory into a file, whether a broker serves it at the moment or not: all that was
 * committed when it began is in it. The file is there whole or not at all.
 *
 * @param durability with which the store is served
 * @param replace a file that is there already; it stays until the new one is whole
 * @throws StoreError there is no store, it is damaged, or the file is there
 */
export function backUp(
  directory: string,
  durability: Durability,
  file: string,
  replace: boolean,
): CopiedCounts {
  const source = databaseFile(directory)
  return guarded(file, () => {
    if (!holdsStore(directory))
      throw new StoreError(`${directory} holds no store; name its directory with --data`)
    refuseStoreItself(file, directory)
    refuseToReplace(file, replace)
    removeStaleDrafts(file)
    const draft = draftOf(file)
    const counts = copyStore(source, draft, durability === "full")
    try {
      if (replace) renameSync(draft, file)
      else putInPlace(draft, file)
    } catch (error) {
      removeDraft(draft)
      throw error
    }
    syncPath(dirname(file))
    return counts
  })
}

export interface Restored extends CopiedCounts {
  /** Where the store that was there before is kept. */
  readonly keptAside: string | undefined
}

/**
 * Makes of a backup the store of a data directory. All of it is checked before anything is changed.
 *
 * @param replace a store that is there already, which is kept aside
 * @throws StoreError the backup is damaged, foreign or too new; the directory is served, or holds a store
 */
export function restore(file: string, directory: string, replace: boolean): Restored {
  asBackup(() => checkStore(file, true))
  const database = databaseFile(directory)
  return guarded(directory, () => {
    refuseToReplaceStore(directory, replace)
    makeDirectory(directory)
    const lock = lockDirectory(directory)
    const draft = draftOf(database)
    try {
      // Otherwise the next start would, and what is restored would be thrown out.
      finishReplacement(database)
      removeStaleDrafts(database)
      // Another may have made one before the lock was ours.
      refuseToReplaceStore(directory, replace)
      const counts = asBackup(() => copyStore(file, draft, true))
      // So that nobody who opens it has to wait for others in order to change its mode.
      openFile(draft, "full").close()
      giveToOwner(directory, draft)
      giveToOwner(directory, `${directory}/bantam.lock`)
      syncPath(draft)
      const keptAside = hasFiles(database) ? setAside(database, Date.now()) : undefined
      renameSync(draft, database)
      // An index of the old log. While it is there, a store without its log is not taken for a sound one.
      rmSync(`${database}-shm`, { force: true })
      syncPath(directory)
      return { ...counts, keptAside }
    } finally {
      removeDraft(draft)
      lock.release()
    }
  })
}

/** A broker would go on in a file without a name. */
function refuseStoreItself(file: string, directory: string): void {
  const isThere = existsSync(dirname(file)) && realpathSync(dirname(file)) === realpathSync(directory)
  if (!isThere || !/^bantam\.(db|lock)/.test(basename(file))) return
  throw new StoreError(`${file} is of the store itself; name another file for the backup`)
}

function refuseToReplace(file: string, replace: boolean): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isFile()) throw new StoreError(`${file} is no file; name one that the backup is written to`)
  if (!replace) throw new StoreError(`${file} exists already; replace it with --force, or name another`)
}

/** Like a rename, which would replace what somebody else has put there meanwhile. */
function putInPlace(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    refuseToReplace(file, false)
    // Some file systems know no links.
    if (!hasCode(error, ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])) throw error
    renameSync(draft, file)
    return
  }
  rmSync(draft)
}

function hasFiles(database: string): boolean {
  return existsSync(database) || existsSync(`${database}-wal`)
}

function refuseToReplaceStore(directory: string, replace: boolean): void {
  if (replace || (!holdsStore(directory) && !hasFiles(databaseFile(directory)))) return
  throw new StoreError(
    `${directory} holds a store already; name another directory, or keep the old one aside with --force`,
  )
}

/**
 * Keeps database and log under another name. The log must be gone before another database has the name, for it would be
 * put on top of that; so that whoever is killed in between leaves a whole store, it is written back first.
 *
 * @returns the database's other name
 */
function setAside(database: string, nowMs: number): string {
  const aside = `${database}.replaced-${stampOf(nowMs)}`
  for (const suffix of ["", "-wal"]) {
    if (existsSync(`${database}${suffix}`)) linkSync(`${database}${suffix}`, `${aside}${suffix}`)
  }
  syncPath(dirname(database))
  writeLogBack(database)
  rmSync(`${database}-wal`, { force: true })
  // A power cut may keep the later of two changes alone.
  syncPath(dirname(database))
  return aside
}

/** What is damaged is the backup, and the remedies for a store are none for that. */
function asBackup<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StoreError) || error.finding === error.message) throw error
    if (!error.damaged) throw new StoreError(`${error.finding}: name what bantam backup has written`)
    throw new StoreError(
      `${error.finding}: nothing was changed; restore another backup, or copy this one to DIR/${basename(databaseFile(""))} ` +
        `of an empty folder and save what it still holds with bantam serve --recover --data DIR`,
    )
  }
}
