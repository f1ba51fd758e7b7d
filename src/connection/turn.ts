import type { Clock } from "../foundation/clock.ts"
import { Fifo } from "../foundation/fifo.ts"

/** How long all together may keep a turn of the event loop busy. Then the sockets have theirs. */
const turnMs = 10
/** And how long one connection may, while others wait. */
const shareMs = 4

/** How long somebody will take, as far as one can tell. brief: a fraction of a millisecond. */
export type Length = "brief" | "long"

/**
 * The turn of the event loop that all connections share. What a client may send at once, half a megabyte of packets,
 * can be work for seconds: a message for ten thousand subscribers in each of them, or a thousand subscriptions
 * (torture: overload subscriptions). Whoever has had his share goes on in a later turn, behind those who wait already.
 *
 * Who has only a word to say does not wait behind a thousand who publish at length: every other turn is for those who are
 * soon done, and what they are answered leaves before the next. Otherwise a PINGREQ waited for seconds while a thousand
 * came back (torture: overload reconnect storm).
 *
 * While nobody takes longer than a millisecond, all this costs a look at the clock.
 */
export class Turn {
  readonly #clock: Clock
  readonly #soon: (run: () => void) => void
  readonly #brief = new Fifo<() => void>()
  readonly #long = new Fifo<() => void>()
  /** Whose turn it is, should both wait. */
  #next: Length = "brief"
  /** idle: nobody has taken long in this turn. */
  #state: "idle" | "busy" = "idle"
  #endsMs = 0

  /** @param soon runs after what this turn has brought */
  constructor(clock: Clock, soon: (run: () => void) => void) {
    this.#clock = clock
    this.#soon = soon
  }

  /** Hot. Whether somebody whose bytes came at `nowMs` may begin: nobody waits, and there is time left. */
  mayBegin(nowMs: number): boolean {
    return this.#state === "idle" || (!this.#isAwaited && nowMs < this.#endsMs)
  }

  /** Hot. Whether somebody who began at `beganMs` is to go on in a later turn: he calls `wait`. */
  isOver(beganMs: number): boolean {
    const nowMs = this.#clock.now()
    if (nowMs <= beganMs && this.#state === "idle") return false
    if (this.#state === "idle") this.#begin(nowMs)
    return nowMs >= this.#endsMs || nowMs - beganMs >= shareMs
  }

  /** @param go called in a later turn */
  wait(go: () => void, length: Length): void {
    const lane = length === "brief" ? this.#brief : this.#long
    lane.push(go)
    if (this.#state === "idle") this.#begin(this.#clock.now())
  }

  get #isAwaited(): boolean {
    return this.#brief.size > 0 || this.#long.size > 0
  }

  #begin(nowMs: number): void {
    this.#state = "busy"
    this.#endsMs = nowMs + turnMs
    this.#soon(this.#go)
  }

  readonly #go = (): void => {
    const isBrief = this.#long.size === 0 || (this.#next === "brief" && this.#brief.size > 0)
    this.#next = isBrief ? "long" : "brief"
    this.#endsMs = this.#clock.now() + turnMs
    try {
      this.#serve(isBrief ? this.#brief : this.#long)
    } finally {
      if (this.#isAwaited) this.#soon(this.#go)
      else this.#state = "idle"
    }
  }

  /** Those who wait now, in their order: one at least, and until the turn ends. */
  #serve(lane: Fifo<() => void>): void {
    for (let left = lane.size; left > 0; left--) {
      lane.shift()?.()
      if (this.#clock.now() >= this.#endsMs) return
    }
  }
}
