/**
 * What one subscriber has got of one topic, whose messages are numbered from 0 in the order of their publication.
 * Remembers what is missing and not what came, so that it costs nothing however long the run.
 */
export class Stream {
  readonly #missing = new Set<number>()
  #next = 0
  /** Numbers that came again. Allowed at QoS 1, never at QoS 2. */
  duplicates = 0
  /** Numbers that came first after a higher one [4.6]. */
  outOfOrder = 0

  take(number: number): void {
    if (number >= this.#next) {
      for (let skipped = this.#next; skipped < number; skipped++) this.#missing.add(skipped)
      this.#next = number + 1
    } else if (this.#missing.delete(number)) this.outOfOrder += 1
    else this.duplicates += 1
  }

  /** @returns how many of the first `count` did not come; what is counted once is not counted again */
  lost(count: number): number {
    for (let skipped = this.#next; skipped < count; skipped++) this.#missing.add(skipped)
    this.#next = Math.max(this.#next, count)
    const lost = this.#missing.size
    this.#missing.clear()
    return lost
  }
}
