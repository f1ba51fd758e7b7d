import type { Clock, Timer } from "../../src/foundation/clock.ts"

interface Waiting {
  readonly atMs: number
  readonly callback: () => void
}

/**
 * A clock whose hands the test turns: nothing happens between two turns, and nothing depends on the real time. The clock
 * on the wall goes along, until somebody puts it back or forward.
 */
export class TurnedClock implements Clock {
  #nowMs: number
  #wallAheadMs: number
  #waiting: Waiting[] = []

  constructor(nowMs = Date.UTC(2026, 0, 1), wallMs = nowMs) {
    this.#nowMs = nowMs
    this.#wallAheadMs = wallMs - nowMs
  }

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return this.#nowMs + this.#wallAheadMs
  }

  /** Somebody puts the clock on the wall forward, or back for fewer than 0. */
  putForward(ms: number): void {
    this.#wallAheadMs += ms
  }

  at(atMs: number, callback: () => void): Timer {
    const waiting = { atMs, callback }
    this.#waiting.push(waiting)
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
      },
    }
  }

  /** Timers that have not fired. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Turns the hands on and calls each timer on the way, in order, at its own time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = this.#earliest()
      if (next === undefined || next.atMs > untilMs) break
      this.#waiting = this.#waiting.filter((each) => each !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = untilMs
  }

  /** As after a machine slept: the hands have moved, and each timer that is late by then fires late. */
  leap(ms: number): void {
    this.#nowMs += ms
    this.advance(0)
  }

  #earliest(): Waiting | undefined {
    let earliest: Waiting | undefined
    for (const each of this.#waiting) {
      if (earliest === undefined || each.atMs < earliest.atMs) earliest = each
    }
    return earliest
  }
}
