import type { Clock, Timer } from "../foundation/clock.ts"
import { Fifo } from "../foundation/fifo.ts"
import type { Subscription } from "../routing/subscriber.ts"
import type { SubscriptionTree } from "../routing/subscription-tree.ts"
import type { Session } from "../session/session.ts"

/** As many as hardly any client has are taken out at once. */
const fewSubscriptions = 32
/** For how long they are taken out in one go. Others have their turn before the next ones are. */
const sliceMs = 2
/** A look at the clock for each would cost more than it saves. */
const betweenLooks = 64

/**
 * Takes the subscriptions of sessions that are over out of the tree. A hundred thousand would stop everybody for a
 * sixth of a second (torture: overload subscriptions); so those of a large session go in slices. Until its last one is
 * gone, the session is given messages that it does not want.
 */
export class LeavingSubscriptions {
  readonly #tree: SubscriptionTree
  readonly #clock: Clock
  readonly #leaving = new Fifo<Iterator<Subscription>>()
  #timer: Timer | undefined

  constructor(tree: SubscriptionTree, clock: Clock) {
    this.#tree = tree
    this.#clock = clock
  }

  /** Before the session forgets them. */
  take({ subscriptions }: Session): void {
    if (subscriptions.size > fewSubscriptions) {
      // A group is to be refused when all its members are full, and must not take one that is gone for one that is not.
      for (const each of subscriptions) if (each.shareName !== undefined) this.#remove(each)
      this.#leaving.push(subscriptions[Symbol.iterator]())
      this.#arm()
      return
    }
    for (const each of subscriptions) this.#remove(each)
  }

  close(): void {
    this.#timer?.cancel()
    this.#leaving.clear()
  }

  #arm(): void {
    this.#timer ??= this.#clock.at(this.#clock.now(), () => {
      this.#timer = undefined
      this.#removeSome(this.#clock.now() + sliceMs)
      if (this.#leaving.size > 0) this.#arm()
    })
  }

  #removeSome(endsMs: number): void {
    for (let subscriptions = this.#leaving.peek(); subscriptions !== undefined;) {
      for (let left = betweenLooks; left > 0; left--) {
        const { done, value } = subscriptions.next()
        if (done === true) {
          this.#leaving.shift()
          break
        }
        if (value.shareName === undefined) this.#remove(value)
      }
      if (this.#clock.now() >= endsMs) return
      subscriptions = this.#leaving.peek()
    }
  }

  #remove({ subscriber, filter, shareName }: Subscription): void {
    this.#tree.remove(subscriber, filter, shareName)
  }
}
