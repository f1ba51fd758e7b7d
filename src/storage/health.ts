import { existsSync, statSync } from "node:fs"
import { basename } from "node:path"
import type { StoredAccessRule, StoredUser } from "./account-store.ts"
import { Accounts } from "./sqlite/accounts.ts"
import { checkStore, readSource } from "./sqlite/copy.ts"
import { type Database, type Durability, isOlder, pragma } from "./sqlite/database.ts"
import { databaseFile } from "./sqlite/directory.ts"
import { migrations } from "./sqlite/schema.ts"

export { lockHolder as whoServes } from "./sqlite/directory.ts"

/** What a store tells of itself. */
export interface StoreFacts {
  readonly schema: number
  /** The one that this program writes. */
  readonly presentSchema: number
  /** The latest time that it knows of, in milliseconds since 1970; 0 for none. */
  readonly newestMs: number
  /** Undefined where an older schema has them elsewhere. */
  readonly accounts:
    { readonly users: readonly StoredUser[]; readonly rules: readonly StoredAccessRule[] } | undefined
}

/** The files of a store that are there, the database first. */
export function storeFiles(directory: string): readonly string[] {
  const database = databaseFile(directory)
  const names = [database, `${database}-wal`, `${database}-shm`, `${directory}/bantam.lock`]
  return names.filter((name) => existsSync(name))
}

/** The same with their sizes. A file that goes meanwhile is left out. */
export function fileSizes(directory: string): readonly { readonly name: string; readonly bytes: number }[] {
  return storeFiles(directory).flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found === undefined ? [] : [{ name: basename(path), bytes: found.size }]
  })
}

/** Beside whoever serves it, and without bringing it up to date. @throws StoreError */
export function readStoreFacts(directory: string, durability: Durability): StoreFacts {
  return readSource(databaseFile(directory), durability === "full", (database) => ({
    schema: pragma(database, "user_version"),
    presentSchema: migrations.length,
    newestMs: newestMs(database),
    accounts: isOlder(database) ? undefined : accountsOf(new Accounts(database)),
  }))
}

/**
 * Reads all of the database beside whoever serves it: its structure, its rows against the last clean close, and all
 * messages against their checksums.
 *
 * @throws StoreError what is wrong with it
 */
export function checkIntegrity(directory: string, durability: Durability): void {
  checkStore(databaseFile(directory), durability === "full")
}

function accountsOf(accounts: Accounts): NonNullable<StoreFacts["accounts"]> {
  return { users: accounts.users(), rules: accounts.accessRules() }
}

function newestMs(database: Database): number {
  const times = [["session", "created_at_ms"]]
  if (!isOlder(database)) times.push(["user", "created_at_ms"], ["audit", "at_ms"], ["ban", "created_at_ms"])
  const newest = times.map(([table, column]) => {
    const sql = `SELECT max(${column}) AS newest FROM ${table}`
    return database.query<{ newest: number | null }, []>(sql).get()?.newest ?? 0
  })
  return Math.max(0, ...newest)
}
