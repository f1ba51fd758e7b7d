/** Whatever happens in a test by chance happens by this: the same seed, the same story. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to 1, exclusive. The step of SplitMix32: each state is met once before any comes back. */
  fraction(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000
  }

  /** @returns a whole number from 0 to below `bound` */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** Both ends included. */
  between(lowest: number, highest: number): number {
    return lowest + this.below(highest - lowest + 1)
  }

  /** @param probability 0 to 1 */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item
  pick<Item>(items: readonly Item[]): Item | undefined
  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.between(0, items.length - 1)]
  }

  /** An item by its weight; one of weight 0 never comes. */
  weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item | undefined {
    let left = this.fraction() * items.reduce((sum, { weight }) => sum + weight, 0)
    return items.find(({ weight }) => (left -= weight) < 0)
  }
}
