import { type SubscriptionFilter, subscriptionFilterText } from "../protocol/topic.ts"
import type { Subscription } from "../routing/subscriber.ts"

/** From here on a list is looked through too slowly. */
const mostListed = 8

/**
 * What one session is subscribed to, each filter and share name once. Most clients have one or two subscriptions, for
 * which a Map would take more memory than all else a session has (bench row idle).
 */
export class SessionSubscriptions {
  #few: Subscription[] = []
  /** By filter as subscribed, `$share/…` included. */
  #many: Map<string, Subscription> | undefined

  get size(): number {
    return this.#many?.size ?? this.#few.length
  }

  get(filter: SubscriptionFilter): Subscription | undefined {
    return this.#many?.get(subscriptionFilterText(filter)) ?? this.#few[this.#indexOf(filter)]
  }

  /** Adds it, or replaces the one to the same filter. */
  put(subscription: Subscription): void {
    const index = this.#indexOf(subscription)
    if (this.#many !== undefined) {
      this.#many.set(subscriptionFilterText(subscription), subscription)
    } else if (index >= 0) {
      this.#few[index] = subscription
    } else if (this.#few.length < mostListed) {
      this.#few.push(subscription)
    } else {
      this.#many = new Map([...this.#few, subscription].map((each) => [subscriptionFilterText(each), each]))
      this.#few = []
    }
  }

  delete(filter: SubscriptionFilter): void {
    if (this.#many !== undefined) {
      this.#many.delete(subscriptionFilterText(filter))
    } else {
      const index = this.#indexOf(filter)
      if (index >= 0) this.#few.splice(index, 1)
    }
  }

  clear(): void {
    this.#few = []
    this.#many = undefined
  }

  /** In the order in which they were added. */
  [Symbol.iterator](): IterableIterator<Subscription> {
    return this.#many?.values() ?? this.#few.values()
  }

  #indexOf({ filter, shareName }: SubscriptionFilter): number {
    return this.#few.findIndex((each) => each.filter === filter && each.shareName === shareName)
  }
}
