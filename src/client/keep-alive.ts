import type { Clock, Timer } from "../foundation/clock.ts"
import type { PacketLink } from "./packet-link.ts"

/**
 * Looks twice in each keep alive, and pings when either side said nothing since the last look. So no silence of ours
 * lasts a whole keep alive [MQTT-3.1.2-20], and a server that says nothing for a whole one after a ping is gone.
 */
export class KeepAlive {
  /** Set whenever a packet has come. */
  heard = true
  /** While we do not read, silence proves nothing. */
  deaf = false

  readonly #clock: Clock
  readonly #halfMs: number
  readonly #link: PacketLink
  readonly #silent: () => void
  #timer: Timer | undefined
  #looksSincePing: number | undefined

  /** @param seconds 0 for no keep alive */
  constructor(clock: Clock, seconds: number, link: PacketLink, silent: () => void) {
    this.#clock = clock
    this.#halfMs = seconds * 500
    this.#link = link
    this.#silent = silent
    if (seconds > 0) this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.at(this.#clock.now() + this.#halfMs, () => this.#look())
  }

  #look(): void {
    if (this.heard || this.deaf) this.#looksSincePing = undefined
    else if (this.#looksSincePing !== undefined) this.#looksSincePing += 1
    if (this.#looksSincePing === 2) return this.#silent()
    if (!(this.#link.spoke && this.heard) && this.#looksSincePing === undefined) {
      this.#link.send({ type: "pingreq" })
      this.#looksSincePing = 0
    }
    this.#link.spoke = false
    this.heard = false
    this.#arm()
  }
}
