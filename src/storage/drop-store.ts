import type { DropReason } from "../foundation/counters.ts"

/** Messages that were lost, all for one client, reason and beginning of their topics. */
export interface Drops {
  /** Whose loss it is; empty for nobody in particular. */
  readonly clientId: string
  readonly why: DropReason
  /** How their topics begin; empty where it is not known, or they have nothing in common. */
  readonly prefix: string
  /** When the first and the last of them were lost. */
  readonly firstMs: number
  readonly lastMs: number
  readonly messages: number
  /** Topics, payloads and properties. */
  readonly bytes: number
}

/** What one hour came to. */
export interface StoredDrops extends Drops {
  /** When the hour began. */
  readonly hourMs: number
  /** Increases each time the row changes. */
  readonly change: number
}

/** Which rows are asked for. */
export interface DropQuery {
  readonly clientId?: string | undefined
  readonly why?: DropReason | undefined
  /** Not over before. */
  readonly sinceMs?: number | undefined
  /** Only those that changed after this change. */
  readonly afterChange?: number | undefined
  /** At most so many: the latest. */
  readonly limit: number
}

/** So many rows are kept, and a few more; those of the oldest hours go first. */
export const mostStoredDrops = 100_000
/** To count them takes a while, so it is done after so many. */
export const dropsBetweenCounts = 1_000

export const hourLengthMs = 3_600_000

/** The ledger of lost messages, as any process that opens the store finds it now. */
export interface DropStore {
  /** Adds to the rows of their hours. */
  addDrops(drops: readonly Drops[]): Promise<void>
  /** The longest unchanged first. */
  drops(query: DropQuery): Promise<readonly StoredDrops[]>
}
