import type { TurnedAwayReason } from "../foundation/counters.ts"
import { Rate } from "../security/guard/rate.ts"
import { isThisMachine, sourceOf } from "../security/guard/source-address.ts"
import { TallyBook } from "../security/guard/tally-book.ts"
import type { Connection } from "./connection.ts"
import type { Entrance } from "./entrance.ts"
import { HalfOpen } from "./half-open.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"

/** Addresses whose new connections are counted. Whoever came least of late is forgotten first. */
const mostAddresses = 20_000
/** An address may make up for a pause: as after a power cut, when all that is behind it comes at once. */
const burstSeconds = 2

/** What comes in by one listener. */
interface EntranceUse {
  connections: number
  readonly rate: Rate | undefined
}

/** Judges who comes before a word of his is read, so that a flood costs little more than its sockets. */
export class Arrivals {
  readonly halfOpen = new HalfOpen()
  readonly #surroundings: Pick<ConnectionSurroundings, "limits" | "bans" | "clock">
  readonly #addresses: TallyBook
  readonly #rate: Rate | undefined
  readonly #entrances = new Map<Entrance, EntranceUse>()
  #connections = 0

  constructor(surroundings: Pick<ConnectionSurroundings, "limits" | "bans" | "clock">) {
    const { connectionRate, connectionRatePerAddress } = surroundings.limits
    this.#surroundings = surroundings
    this.#addresses = new TallyBook(mostAddresses, connectionRatePerAddress / 1000)
    this.#rate = rateOf(connectionRate)
  }

  /** Those whose own doing it is are found out first, so that they use up nothing that others need. */
  objectionTo(address: string, entrance: Entrance, nowMs: number): TurnedAwayReason | undefined {
    const { limits, bans, clock } = this.#surroundings
    if (bans.ofAddress(address, clock.wall()) !== undefined) return "banned"
    if (!isThisMachine(address)) {
      const source = sourceOf(address)
      if (!this.#mayComeAgain(source, nowMs)) return "address-rate"
      const { halfOpenPerAddress } = limits
      if (halfOpenPerAddress > 0 && this.halfOpen.countOf(source) >= halfOpenPerAddress) {
        return "address-half-open"
      }
    }
    const use = this.#useOf(entrance)
    if (use.connections >= (entrance.limits.connections ?? Number.POSITIVE_INFINITY)) return "listener-full"
    if (use.rate?.takes(nowMs) === false) return "listener-rate"
    if (this.#rate?.takes(nowMs) === false) return "rate"
    return this.#connections >= limits.connections ? "full" : undefined
  }

  cameIn(connection: Connection, nowMs: number): void {
    const { entrance } = connection.door
    this.#connections += 1
    this.#useOf(entrance).connections += 1
    this.halfOpen.add(connection, nowMs)
  }

  /** It has said CONNECT, or will not any more. */
  introduced(connection: Connection): void {
    this.halfOpen.delete(connection)
  }

  wentOut(connection: Connection): void {
    const { entrance } = connection.door
    this.introduced(connection)
    this.#connections -= 1
    this.#useOf(entrance).connections -= 1
  }

  #mayComeAgain(source: string, nowMs: number): boolean {
    const perSecond = this.#surroundings.limits.connectionRatePerAddress
    if (perSecond === 0) return true
    const tally = this.#addresses.raise(source, nowMs)
    if (tally.level <= perSecond * burstSeconds) return true
    // Who is turned away has not come.
    tally.level -= 1
    return false
  }

  #useOf(entrance: Entrance): EntranceUse {
    const known = this.#entrances.get(entrance)
    if (known !== undefined) return known
    const use = { connections: 0, rate: rateOf(entrance.limits.connectionRate ?? 0) }
    this.#entrances.set(entrance, use)
    return use
  }
}

/** @param perSecond 0: there is no limit */
function rateOf(perSecond: number): Rate | undefined {
  return perSecond === 0 ? undefined : new Rate(perSecond)
}
