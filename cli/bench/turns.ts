import type { Schedule } from "./schedule.ts"

/** A timer is late by up to a millisecond: what is due sooner is waited for in turns of the event loop. */
const timerSlackMicroseconds = 2_000
/** A longer turn was no waiting of ours: the machine did something else meanwhile. */
const longestIdleMicroseconds = 200

export interface TurnsOwner {
  /** Hot. Microseconds, of the clock that the schedule begins by. */
  now(): number
  /** Hot. One more is due. */
  due(number: number): void
  /** Hot. All that was due was told. */
  turned(): void
}

/**
 * Calls what a schedule has when it is due, within microseconds: Bun looks at the sockets between two immediates without
 * waiting for them, so the next turn comes soon. That keeps a core busy even when there is little to do.
 */
export class Turns {
  /** What was spent on waiting with the core busy. */
  idleMicroseconds = 0

  readonly #schedule: Schedule
  readonly #owner: TurnsOwner
  #isStopped = false
  #turnedAt = 0
  #wasBusy = true

  constructor(schedule: Schedule, owner: TurnsOwner) {
    this.#schedule = schedule
    this.#owner = owner
  }

  start(): void {
    this.#schedule.begin(this.#owner.now())
    this.#turn()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Hot. Something was done since the last turn. */
  busy(): void {
    this.#wasBusy = true
  }

  readonly #turn = (): void => {
    if (this.#isStopped) return
    const now = this.#owner.now()
    if (!this.#wasBusy) this.idleMicroseconds += Math.min(now - this.#turnedAt, longestIdleMicroseconds)
    this.#turnedAt = now
    this.#wasBusy = this.#schedule.nextAt <= now
    this.#schedule.call(now, this.#due)
    if (this.#wasBusy) this.#owner.turned()
    const leftMicroseconds = this.#schedule.nextAt - now
    if (leftMicroseconds < timerSlackMicroseconds) return void setImmediate(this.#turn)
    if (leftMicroseconds === Infinity) return
    this.#wasBusy = true
    setTimeout(this.#turn, Math.floor((leftMicroseconds - timerSlackMicroseconds / 2) / 1000))
  }

  readonly #due = (number: number): void => this.#owner.due(number)
}
