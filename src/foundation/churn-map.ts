/** How many removed keys keep their place. */
const rememberedKeys = 1_024

/**
 * A map for keys that come and go among a hundred thousand others, some of them again and again.
 *
 * The engine's own map finds an entry by a chain of those whose hashes are alike, and what is removed stays in its
 * chain until the whole table is made anew. So a key that is removed and set in turn, as a client that comes back every
 * second or a topic that is retained and cleared, makes its chain longer each time: among a million others this took
 * 300 µs, and growing (bench/routing.ts). Here a removed key keeps its place for a while, and takes it again.
 */
export class ChurnMap<Key, Value extends object | string | number> {
  readonly #entries = new Map<Key, Value | undefined>()
  /** Those that hold a place without a value. */
  #removed: Set<Key> | undefined

  get size(): number {
    return this.#entries.size - (this.#removed?.size ?? 0)
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  has(key: Key): boolean {
    return this.#entries.get(key) !== undefined
  }

  set(key: Key, value: Value): void {
    this.#entries.set(key, value)
    this.#removed?.delete(key)
  }

  /** @returns whether it was there */
  delete(key: Key): boolean {
    if (!this.has(key)) return false
    this.#entries.set(key, undefined)
    this.#removed ??= new Set()
    this.#removed.add(key)
    if (this.#removed.size > rememberedKeys) this.#letGoOf(this.#removed)
    return true
  }

  clear(): void {
    this.#entries.clear()
    this.#removed = undefined
  }

  *keys(): IterableIterator<Key> {
    for (const [key, value] of this.#entries) if (value !== undefined) yield key
  }

  *values(): IterableIterator<Value> {
    for (const value of this.#entries.values()) if (value !== undefined) yield value
  }

  *[Symbol.iterator](): IterableIterator<[Key, Value]> {
    for (const [key, value] of this.#entries) if (value !== undefined) yield [key, value]
  }

  /** Values, and undefined for a place without one: each step takes the same time. */
  places(): IterableIterator<Value | undefined> {
    return this.#entries.values()
  }

  /** The one that was removed first. */
  #letGoOf(removed: Set<Key>): void {
    for (const key of removed) {
      removed.delete(key)
      this.#entries.delete(key)
      return
    }
  }
}
