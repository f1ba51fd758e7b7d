import { type Clock, systemClock } from "../src/foundation/clock.ts"

/**
 * Moments to come, counted from when it began. Who is late for one is not for that late for the next: nothing is
 * left out, and what is overdue is due at once.
 */
export class Schedule {
  readonly #clock: Clock
  #beganMs: number
  #worstMs = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#beganMs = clock.now()
  }

  /** Counts from now on, and not from when it was made. */
  begin(): void {
    this.#beganMs = this.#clock.now()
  }

  /** By how much we were late at worst, of the moments that `met` was told of. */
  get worstLatenessMs(): number {
    return this.#worstMs
  }

  /** Since it began. */
  get lastedMs(): number {
    return this.#clock.now() - this.#beganMs
  }

  /** How late it is for what was due so long after the beginning; 0 before. */
  latenessMs(offsetMs: number): number {
    return Math.max(0, this.#clock.now() - this.#beganMs - offsetMs)
  }

  /** Resolves so long after the beginning, or at once when that is over. */
  async reach(offsetMs: number): Promise<void> {
    const atMs = this.#beganMs + offsetMs
    if (this.#clock.now() >= atMs) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.at(atMs, resolve)
    await promise
  }

  /** What was due so long after the beginning is done. */
  met(offsetMs: number): void {
    this.#worstMs = Math.max(this.#worstMs, this.latenessMs(offsetMs))
  }

  /** All that is to come is due so much later. */
  postpone(ms: number): void {
    this.#beganMs += ms
  }
}
