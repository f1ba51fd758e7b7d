import { ChurnMap } from "../../foundation/churn-map.ts"
import type { OnlineUsers } from "../online-users.ts"
import { Rate } from "./rate.ts"
import type { Requester } from "../requester.ts"

/** So many rates are kept before those that nobody needs are looked for. */
const ratesBeforeSweep = 1_000

/** What the connections of one user may cost together. */
export class UserQuotas {
  readonly #users: Pick<OnlineUsers, "countOf">
  /** How many of a user who has a limit were let in and are not online so far. */
  readonly #entering = new ChurnMap<string, number>()
  readonly #rates = new ChurnMap<string, Rate>()
  #sweepAt = ratesBeforeSweep

  constructor(users: Pick<OnlineUsers, "countOf">) {
    this.#users = users
  }

  /**
   * A client of the user comes in, unless that makes one too many. Whoever is told true says `entered`, whatever becomes
   * of it.
   *
   * @param takesOver it takes the place of a connection that is there
   */
  enter({ username, principal }: Requester, takesOver: boolean): boolean {
    const { connections } = principal.limits
    if (username === undefined || connections === undefined) return true
    const entering = this.#entering.get(username) ?? 0
    const others = this.#users.countOf(username) + entering - (takesOver ? 1 : 0)
    if (others >= connections) return false
    this.#entering.set(username, entering + 1)
    return true
  }

  /** It is online, or gone. */
  entered({ username, principal }: Requester): void {
    if (username === undefined || principal.limits.connections === undefined) return
    const entering = this.#entering.get(username) ?? 0
    if (entering > 1) this.#entering.set(username, entering - 1)
    else this.#entering.delete(username)
  }

  /** The rate of messages that all connections of the user share; undefined: there is no limit. */
  rateOf({ username, principal }: Requester, nowMs: number): Rate | undefined {
    const perSecond = principal.limits.messagesPerSecond
    if (username === undefined || perSecond === undefined) return undefined
    const known = this.#rates.get(username)
    if (known?.perSecond === perSecond) return known
    if (this.#rates.size >= this.#sweepAt) this.#sweep(nowMs)
    const rate = new Rate(perSecond)
    this.#rates.set(username, rate)
    return rate
  }

  /** A user without connections has its rate until all that it spent has come back: to reconnect wins it nothing. */
  #sweep(nowMs: number): void {
    for (const [username, rate] of [...this.#rates]) {
      if (rate.fullAtMs <= nowMs && this.#users.countOf(username) === 0) this.#rates.delete(username)
    }
    this.#sweepAt = 2 * this.#rates.size + ratesBeforeSweep
  }
}
