import { type Clock, type KeptTime, MachineClock, resumedMs } from "../../foundation/clock.ts"
import type { Database } from "./database.ts"

/** Further apart than this, and somebody has put the wall back or forward. */
const steppedMs = 1_000
/** If only the power cut knows when it was, and the wall has forgotten, the next run begins so much too early at most. */
const keptForMs = 600_000
/** After a write that failed. */
const patienceMs = 60_000

/**
 * Keeps the time of this run for the next one: at its start and end, every ten minutes, and whenever the clock on the
 * wall was put back or forward.
 */
export class TimeKeeper {
  readonly #database: Database
  readonly #clock: Clock
  #kept: KeptTime
  #nextTryMs = 0

  constructor(database: Database) {
    const kept = database.query<KeptTime, []>("SELECT now_ms AS nowMs, wall_ms AS wallMs FROM clock").get()
    const nowMs = resumedMs(kept ?? undefined, Date.now())
    this.#database = database
    this.#clock = new MachineClock(nowMs)
    this.#kept = { nowMs: 0, wallMs: 0 }
    this.keep()
  }

  /** Of the clock that this run goes by. */
  now(): number {
    return this.#clock.now()
  }

  /** Called now and then. @throws SQLiteError it cannot be written, and is tried again in a minute */
  look(): void {
    const nowMs = this.#clock.now()
    const passedMs = nowMs - this.#kept.nowMs
    const isOff = Math.abs(this.#clock.wall() - this.#kept.wallMs - passedMs) > steppedMs
    if ((!isOff && passedMs < keptForMs) || nowMs < this.#nextTryMs) return
    this.#nextTryMs = nowMs + patienceMs
    this.keep()
    this.#nextTryMs = 0
  }

  /** @throws SQLiteError */
  keep(): void {
    const kept = { nowMs: this.#clock.now(), wallMs: this.#clock.wall() }
    this.#database
      .query<unknown, [number, number]>("INSERT OR REPLACE INTO clock (id, now_ms, wall_ms) VALUES (1, ?, ?)")
      .run(kept.nowMs, kept.wallMs)
    this.#kept = kept
  }
}
