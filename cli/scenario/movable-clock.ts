import { type Clock, systemClock, type Timer } from "../../src/foundation/clock.ts"

interface Waiting {
  readonly atMs: number
  readonly callback: () => void
  timer: Timer
}

/** The time of this machine, and however much further it was moved. */
export class MovableClock implements Clock {
  #aheadMs = 0
  readonly #waiting = new Set<Waiting>()

  now(): number {
    return systemClock.now() + this.#aheadMs
  }

  wall(): number {
    return systemClock.wall() + this.#aheadMs
  }

  at(atMs: number, callback: () => void): Timer {
    const waiting: Waiting = { atMs, callback, timer: this.#timerOf(atMs, () => this.#fire(waiting)) }
    this.#waiting.add(waiting)
    return {
      cancel: () => {
        waiting.timer.cancel()
        this.#waiting.delete(waiting)
      },
    }
  }

  /** What is due by then happens at once, in its order; what is asked for meanwhile and due as well, soon after. */
  advance(milliseconds: number): void {
    this.#aheadMs += milliseconds
    for (const waiting of [...this.#waiting].toSorted((one, other) => one.atMs - other.atMs)) {
      // One that fired may have cancelled another.
      if (!this.#waiting.has(waiting)) continue
      waiting.timer.cancel()
      if (waiting.atMs <= this.now()) this.#fire(waiting)
      else waiting.timer = this.#timerOf(waiting.atMs, () => this.#fire(waiting))
    }
  }

  #timerOf(atMs: number, callback: () => void): Timer {
    return systemClock.at(atMs - this.#aheadMs, callback)
  }

  #fire(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) waiting.callback()
  }
}
