import {
  type DropQuery,
  type Drops,
  dropsBetweenCounts,
  type DropStore,
  hourLengthMs,
  mostStoredDrops,
  type StoredDrops,
} from "../drop-store.ts"
import { guarded, type Database } from "./database.ts"

/** The table of lost messages, for who has the database at hand. */
export class DropTable {
  readonly #database: Database
  /** Until they are counted for the first time there may be any number. */
  #sinceCount = dropsBetweenCounts

  constructor(database: Database) {
    this.#database = database
  }

  addDrops(drops: readonly Drops[]): void {
    this.#database.transaction(() => this.#add(drops)).immediate()
  }

  drops({ clientId, why, sinceMs, afterChange, limit }: DropQuery): readonly StoredDrops[] {
    return this.#database
      .query<StoredDrops, [string | null, string | null, number, number, number]>(
        `SELECT hour * ${hourLengthMs} AS hourMs, client_id AS clientId, why, prefix, first_ms AS firstMs,
           last_ms AS lastMs, messages, bytes, change
         FROM dropped
         WHERE (?1 IS NULL OR client_id = ?1) AND (?2 IS NULL OR why = ?2) AND last_ms >= ?3 AND change > ?4
         ORDER BY change DESC, last_ms DESC LIMIT ?5`,
      )
      .all(clientId ?? null, why ?? null, sinceMs ?? 0, afterChange ?? 0, limit)
      .toReversed()
  }

  #add(drops: readonly Drops[]): void {
    const change = this.#database
      .query<{ next: number }, []>("SELECT ifnull(max(change), 0) + 1 AS next FROM dropped")
      .get()
    const adding = this.#database.query<
      unknown,
      [number, string, string, string, number, number, number, number, number]
    >(
      `INSERT INTO dropped (hour, client_id, why, prefix, first_ms, last_ms, messages, bytes, change)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms),
         messages = messages + excluded.messages, bytes = bytes + excluded.bytes, change = excluded.change`,
    )
    for (const { clientId, why, prefix, firstMs, lastMs, messages, bytes } of drops) {
      const hour = Math.floor(firstMs / hourLengthMs)
      adding.run(hour, clientId, why, prefix, firstMs, lastMs, messages, bytes, change?.next ?? 1)
    }
    this.#sinceCount += drops.length
    if (this.#sinceCount >= dropsBetweenCounts) this.#forget()
  }

  #forget(): void {
    const rows = this.#database.query<{ rows: number }, []>("SELECT count(*) AS rows FROM dropped").get()
    const surplus = (rows?.rows ?? 0) - mostStoredDrops
    if (surplus > 0) {
      const key = "hour, client_id, why, prefix"
      this.#database
        .query<unknown, [number]>(
          `DELETE FROM dropped WHERE (${key}) IN (SELECT ${key} FROM dropped ORDER BY hour, last_ms LIMIT ?)`,
        )
        .run(surplus)
    }
    this.#sinceCount = 0
  }
}

/** The same in the dress of the contract, for a process that has the database open itself. */
export class DirectDrops implements DropStore {
  readonly #table: DropTable
  readonly #database: Database
  readonly #file: string

  /** @param file where the database is, to be named in errors */
  constructor(database: Database, file: string) {
    this.#database = database
    this.#table = new DropTable(database)
    this.#file = file
  }

  async addDrops(drops: readonly Drops[]): Promise<void> {
    guarded(this.#file, () => this.#table.addDrops(drops))
  }

  async drops(query: DropQuery): Promise<readonly StoredDrops[]> {
    return guarded(this.#file, () => this.#table.drops(query))
  }

  close(): void {
    this.#database.close()
  }
}
