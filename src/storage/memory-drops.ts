import {
  type DropQuery,
  type Drops,
  dropsBetweenCounts,
  type DropStore,
  hourLengthMs,
  mostStoredDrops,
  type StoredDrops,
} from "./drop-store.ts"

/** The ledger of a broker that keeps nothing. */
export class MemoryDrops implements DropStore {
  /** The longest unchanged first. */
  #rows = new Map<string, StoredDrops>()
  #lastChange = 0

  async addDrops(drops: readonly Drops[]): Promise<void> {
    const change = ++this.#lastChange
    for (const each of drops) this.#add(each, change)
    if (this.#rows.size <= mostStoredDrops + dropsBetweenCounts) return
    const byAge = [...this.#rows].toSorted(([, one], [, other]) => one.hourMs - other.hourMs)
    for (const [key] of byAge.slice(0, -mostStoredDrops)) this.#rows.delete(key)
  }

  async drops({ clientId, why, sinceMs = 0, afterChange = 0, limit }: DropQuery): Promise<StoredDrops[]> {
    return [...this.#rows.values()]
      .filter((row) => {
        if (clientId !== undefined && row.clientId !== clientId) return false
        if (why !== undefined && row.why !== why) return false
        return row.lastMs >= sinceMs && row.change > afterChange
      })
      .toSorted((one, other) => one.change - other.change || one.lastMs - other.lastMs)
      .slice(-limit)
  }

  #add(drops: Drops, change: number): void {
    const hourMs = Math.floor(drops.firstMs / hourLengthMs) * hourLengthMs
    // No text of MQTT holds U+0000 [MQTT-1.5.4-2].
    const key = [hourMs, drops.why, drops.clientId, drops.prefix].join("\0")
    const known = this.#rows.get(key)
    this.#rows.delete(key)
    this.#rows.set(key, {
      ...drops,
      hourMs,
      change,
      firstMs: Math.min(drops.firstMs, known?.firstMs ?? drops.firstMs),
      lastMs: Math.max(drops.lastMs, known?.lastMs ?? drops.lastMs),
      messages: drops.messages + (known?.messages ?? 0),
      bytes: drops.bytes + (known?.bytes ?? 0),
    })
  }
}
