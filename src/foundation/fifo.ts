/** A queue whose two ends cost the same at any length: a ring that doubles when full and halves when idle. */
export class Fifo<Item> {
  #ring: (Item | undefined)[] = []
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item): void {
    if (this.#size === this.#ring.length) this.#resize(Math.max(8, this.#ring.length * 2))
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item
    this.#size += 1
  }

  peek(): Item | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head]
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size -= 1
    if (this.#size === 0) this.clear()
    return item
  }

  clear(): void {
    // An idle connection must not pay for its busiest minute.
    if (this.#ring.length > 64) this.#ring = []
    else this.#ring.fill(undefined)
    this.#head = 0
    this.#size = 0
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let index = 0; index < this.#size; index++) {
      yield this.#ring[(this.#head + index) & (this.#ring.length - 1)] as Item
    }
  }

  #resize(length: number): void {
    const grown: (Item | undefined)[] = Array.from({ length })
    for (let index = 0; index < this.#size; index++) {
      grown[index] = this.#ring[(this.#head + index) & (this.#ring.length - 1)]
    }
    this.#ring = grown
    this.#head = 0
  }
}
