import { Histogram } from "../../../cli/bench/histogram.ts"

/** Between the end of one round trip and the beginning of the next. */
const restMs = 3

/** Durations of round trips, of which one is under way at a time: one that does not come to its end counts as well. */
export class RoundTrips {
  readonly #begin: (number: number) => void
  readonly #histogram = new Histogram()
  #number = 0
  #longestMs = 0
  /** Undefined: between two. */
  #beganAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false
  #rested: (() => void) | undefined

  /** @param begin sends what comes back; whoever hears it calls `came` with the number */
  constructor(begin: (number: number) => void) {
    this.#begin = begin
  }

  /** How many there were and back. */
  get count(): number {
    return this.#histogram.total
  }

  get longestMs(): number {
    const underWayMs = this.#beganAt === undefined ? 0 : performance.now() - this.#beganAt
    return Math.max(this.#longestMs, underWayMs)
  }

  get p99Ms(): number {
    return this.#histogram.percentile(0.99) / 1000
  }

  start(): void {
    this.#next()
  }

  /** @returns false when it is not the one under way */
  came(number: number): boolean {
    if (this.#beganAt === undefined || number !== this.#number) return false
    const ms = performance.now() - this.#beganAt
    this.#beganAt = undefined
    this.#histogram.record(ms * 1000)
    this.#longestMs = Math.max(this.#longestMs, ms)
    if (this.#isOver) this.#rested?.()
    else this.#timer = setTimeout(() => this.#next(), restMs)
    return true
  }

  /** Begins no more. Resolves when none is under way. */
  async stop(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    if (this.#beganAt === undefined) return
    await new Promise<void>((resolve) => (this.#rested = resolve))
  }

  #next(): void {
    this.#number += 1
    this.#beganAt = performance.now()
    this.#begin(this.#number)
  }
}
