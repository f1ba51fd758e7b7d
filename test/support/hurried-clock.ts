import type { Clock, Timer } from "../../src/foundation/clock.ts"

/** A clock on which nobody waits: whatever is to happen at a time happens next, and by then it is that time. */
export class HurriedClock implements Clock {
  #nowMs = 0

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return this.#nowMs
  }

  /** Something takes so long. */
  pass(ms: number): void {
    this.#nowMs += ms
  }

  at(atMs: number, callback: () => void): Timer {
    queueMicrotask(() => {
      this.#nowMs = Math.max(this.#nowMs, Math.ceil(atMs))
      callback()
    })
    return { cancel: () => {} }
  }
}
