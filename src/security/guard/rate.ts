/** Sums of thirds and sevenths are not exact. */
const roundingMs = 1e-6

/**
 * So many a second: up to one second's worth at once, and then in even steps. A bucket of tokens, held as the time it
 * takes to fill again, so that nothing has to fill it.
 */
export class Rate {
  readonly perSecond: number
  readonly #stepMs: number
  readonly #toleranceMs: number
  /** What was missing from a full bucket, and when. */
  #missingMs = 0
  #atMs = 0

  /** @param burst how many at once; one second's worth unless told */
  constructor(perSecond: number, burst = perSecond) {
    this.perSecond = perSecond
    this.#stepMs = 1000 / perSecond
    this.#toleranceMs = (burst - 1) * this.#stepMs + roundingMs
  }

  /** When a whole burst may come again. */
  get fullAtMs(): number {
    return this.#atMs + this.#missingMs
  }

  /** Takes one if it may come now. */
  takes(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#missingMs > this.#toleranceMs) return false
    this.#missingMs += this.#stepMs
    return true
  }

  /**
   * Hot. One has come, whether it might or not.
   *
   * @returns how long the next has to wait; 0: not at all
   */
  spend(nowMs: number): number {
    this.#fill(nowMs)
    this.#missingMs += this.#stepMs
    return this.#missingMs > this.#toleranceMs ? this.#missingMs - this.#toleranceMs : 0
  }

  #fill(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    // A clock that was put back fills nothing.
    if (passedMs > 0) this.#missingMs = Math.max(0, this.#missingMs - passedMs)
    this.#atMs = nowMs
  }
}
