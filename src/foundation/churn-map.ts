/** How many removed keys keep their place; no more than so many beyond what there is, as small tables are made anew soon. */
const rememberedKeys = 1_024
const rememberedBeyond = 64
/** Longer keys do not: a stranger may choose them, and a map for each of a million levels would keep megabytes. */
const longestRememberedKey = 128
/** What comes when so many are there goes into the shards. */
const placesInFront = 16_384
const shardCount = 1_024

/**
 * A map for keys that come and go among a million others. The engine's own map has two traps there, both measured by
 * bench/routing.ts and bench:scale stalls:
 *
 * - What is removed stays in the chain of entries whose hashes are alike until the whole table is made anew. A key that
 *   is removed and set in turn, as a client that comes back every second or a topic that is retained and cleared, makes
 *   its chain longer each time: up to 300 µs. Here a removed key keeps its place for a while, and takes it again.
 * - A table is one object for the garbage collector: one change, and the next collection reads all of it again, 11 ms
 *   for a million entries. Here a large map is a thousand small ones; nothing is ever moved, so that whoever walks over
 *   it may go on while it grows.
 */
export class ChurnMap<Key extends string, Value extends object | string | number> {
  readonly #front = new Map<Key, Value | undefined>()
  #shards: (Map<Key, Value | undefined> | undefined)[] | undefined
  /** Those that hold a place without a value. */
  #removed: Set<Key> | undefined
  #places = 0

  get size(): number {
    return this.#places - (this.#removed?.size ?? 0)
  }

  get(key: Key): Value | undefined {
    const value = this.#front.get(key)
    if (value !== undefined || this.#shards === undefined) return value
    return this.#shards[shardOf(key)]?.get(key)
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined
  }

  set(key: Key, value: Value): void {
    this.#setIn(this.#tableFor(key), key, value)
  }

  /** Sets the value unless there is one. @returns the one that was there */
  setFirst(key: Key, value: Value): Value | undefined {
    const table = this.#tableFor(key)
    const there = table.get(key)
    if (there === undefined) this.#setIn(table, key, value)
    return there
  }

  /** @returns whether it was there */
  delete(key: Key): boolean {
    if (!this.has(key)) return false
    const table = this.#tableFor(key)
    if (key.length > longestRememberedKey) {
      table.delete(key)
      this.#places -= 1
      return true
    }
    table.set(key, undefined)
    this.#removed ??= new Set()
    this.#removed.add(key)
    const most = Math.min(rememberedKeys, this.size + rememberedBeyond)
    while (this.#removed.size > most) this.#letGoOf(this.#removed)
    return true
  }

  clear(): void {
    this.#front.clear()
    this.#shards = undefined
    this.#removed = undefined
    this.#places = 0
  }

  *keys(): IterableIterator<Key> {
    for (const [key] of this) yield key
  }

  *values(): IterableIterator<Value> {
    for (const value of this.places()) if (value !== undefined) yield value
  }

  *[Symbol.iterator](): IterableIterator<[Key, Value]> {
    for (const table of this.#tables()) {
      for (const [key, value] of table) if (value !== undefined) yield [key, value]
    }
  }

  /** Values, and undefined for a place without one: each step takes the same time. */
  places(): IterableIterator<Value | undefined> {
    return this.#shards === undefined ? this.#front.values() : this.#allPlaces()
  }

  *#allPlaces(): IterableIterator<Value | undefined> {
    for (const table of this.#tables()) yield* table.values()
  }

  *#tables(): IterableIterator<Map<Key, Value | undefined>> {
    yield this.#front
    for (const shard of this.#shards ?? []) if (shard !== undefined) yield shard
  }

  /** The table that has the key, or is to have it. */
  #tableFor(key: Key): Map<Key, Value | undefined> {
    if (this.#front.size < placesInFront && this.#shards === undefined) return this.#front
    if (this.#front.has(key)) return this.#front
    this.#shards ??= Array.from({ length: shardCount })
    return (this.#shards[shardOf(key)] ??= new Map())
  }

  #setIn(table: Map<Key, Value | undefined>, key: Key, value: Value): void {
    const before = table.size
    table.set(key, value)
    this.#places += table.size - before
    this.#removed?.delete(key)
  }

  /** The one that was removed first. */
  #letGoOf(removed: Set<Key>): void {
    for (const key of removed) {
      removed.delete(key)
      if (this.#tableFor(key).delete(key)) this.#places -= 1
      return
    }
  }
}

function shardOf(key: string): number {
  let hash = key.length
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash ^ (hash >>> 15)) & (shardCount - 1)
}
