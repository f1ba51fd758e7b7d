import type { Clock } from "../foundation/clock.ts"
import type { Log } from "../foundation/log.ts"
import { MemoryStore } from "./memory-store.ts"
import { DirectAccounts } from "./sqlite/accounts.ts"
import type { Durability } from "./sqlite/database.ts"
import { DirectDrops } from "./sqlite/drops.ts"
import { databaseFile } from "./sqlite/directory.ts"
import { openUnserved } from "./sqlite/opening.ts"
import type { RecoveredCounts } from "./sqlite/recovery.ts"
import { SqliteStore, type SqliteOptions } from "./sqlite/sqlite-store.ts"
import type { AccountStore } from "./account-store.ts"
import type { DropStore } from "./drop-store.ts"
import type { Store } from "./store.ts"

export { giveToOwner, holdsStore as hasStore } from "./sqlite/directory.ts"

export type StoreSettings = { readonly kind: "memory" } | ({ readonly kind: "sqlite" } & SqliteOptions)

export interface OpenedStore {
  readonly store: Store
  /** Of the clock that this run is to go by; undefined: any will do, for nothing is left of an earlier one. */
  readonly nowMs?: number
  /** What was saved from a damaged database; undefined when there was nothing to save it from. */
  readonly recovered?: RecoveredCounts
}

/**
 * @param clock for what the store itself waits for
 * @throws StoreError it is damaged, foreign, too new, or served by another process
 */
export async function openStore(settings: StoreSettings, clock: Clock, log: Log): Promise<OpenedStore> {
  if (settings.kind === "memory") return { store: new MemoryStore() }
  const { recovered, ...opened } = await SqliteStore.open(settings, clock, log)
  return { ...opened, ...(recovered !== undefined && { recovered }) }
}

/**
 * The accounts of a store's directory, for the command line: a running broker sees each change at once. Makes the
 * directory if there is none.
 *
 * @param durability with which the store is served
 * @throws StoreError
 */
export function openAccounts(
  directory: string,
  durability: Durability = "full",
): AccountStore & { close(): void } {
  return new DirectAccounts(openUnserved(directory, durability), databaseFile(directory))
}

/** The ledger of lost messages in a store's directory, likewise. @throws StoreError */
export function openDrops(directory: string, durability: Durability = "full"): DropStore & { close(): void } {
  return new DirectDrops(openUnserved(directory, durability), databaseFile(directory))
}
