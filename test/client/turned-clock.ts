import type { Clock, Timer } from "../../src/foundation/clock.ts"

/** A clock whose hands the test turns. */
export class TurnedClock implements Clock {
  #nowMs = 1_000_000
  #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  at(atMs: number, callback: () => void): Timer {
    const timer = { atMs, callback }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  /** Calls in order what becomes due on the way. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)
      const [next] = due
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = endMs
  }
}
