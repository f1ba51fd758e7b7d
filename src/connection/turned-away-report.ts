import type { Clock, Timer } from "../foundation/clock.ts"
import type { TurnedAwayReason } from "../foundation/counters.ts"
import type { Log } from "../foundation/log.ts"

const reportMs = 10_000

const sentences = {
  banned: "its address is banned",
  "address-rate": "too many new connections from its address",
  rate: "too many new connections",
  "listener-rate": "too many new connections to this listener",
  full: "there are as many connections as limits.connections allows",
  "listener-full": "there are as many connections as this listener allows",
  distrusted: "its certificate is not trusted any more",
  "address-half-open": "too many connections from its address that have not said CONNECT",
  "half-open": "too many connections that have not said CONNECT, of which this has been silent for longest",
} as const satisfies Record<TurnedAwayReason, string>

/** Tells the log who is turned away: the first for each reason at once, and how many more there were ten seconds later. */
export class TurnedAwayReport {
  readonly #clock: Clock
  readonly #log: Log
  /** For each reason that was told, how often it came again, and from where at last. */
  readonly #more = new Map<TurnedAwayReason, { count: number; address: string }>()
  #timer: Timer | undefined

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  add(why: TurnedAwayReason, address: string): void {
    const more = this.#more.get(why)
    if (more !== undefined) {
      more.count += 1
      more.address = address
      return
    }
    this.#log.warn("a connection was turned away", { address, why: sentences[why] })
    if (this.#more.size === 0) this.#timer = this.#clock.at(this.#clock.now() + reportMs, () => this.#tell())
    this.#more.set(why, { count: 0, address })
  }

  /** Tells what is left. Nobody may be turned away afterwards. */
  close(): void {
    this.#timer?.cancel()
    this.#tell()
  }

  #tell(): void {
    for (const [why, { count, address }] of this.#more) {
      if (count > 0) {
        this.#log.warn("more connections were turned away", {
          count,
          "last-address": address,
          why: sentences[why],
        })
      }
    }
    this.#more.clear()
  }
}
