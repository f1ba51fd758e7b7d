import type { Clock } from "../foundation/clock.ts"
import type { Counters, DropReason } from "../foundation/counters.ts"
import type { Ticket } from "../foundation/ticket.ts"
import { isExpired, type Message } from "../protocol/message.ts"
import { SharedPublish } from "../protocol/publish-codec.ts"
import type { ShareName, TopicFilter, TopicName } from "../protocol/topic.ts"
import { RetainedTree } from "../routing/retained-tree.ts"
import { Router } from "../routing/router.ts"
import type { ShareStrategy } from "../routing/share-groups.ts"
import type { Subscription } from "../routing/subscriber.ts"
import { SubscriptionTree } from "../routing/subscription-tree.ts"
import type { SessionLimits } from "../session/session-limits.ts"
import { Session, type SessionObserver, type SessionSurroundings } from "../session/session.ts"
import type { Store, StoredSession } from "../storage/store.ts"
import { Hook } from "./hook.ts"
import { SessionRegistry } from "./session-registry.ts"

export interface BrokerLimits extends SessionLimits {
  readonly retainedMessages: number
  /** Topics, payloads and properties of all retained messages together. */
  readonly retainedBytes: number
  /** Longest time a session is kept after its connection, in seconds; 0xFFFFFFFF: for ever. */
  readonly sessionExpiryMaximumSeconds: number
}

export interface BrokerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly counters: Counters
  readonly limits: BrokerLimits
  readonly shareStrategy: ShareStrategy
  /** Whether a will may be published now: its client's rights may have changed since it connected. */
  mayPublishWill(message: Message): boolean
  /** Takes an error that is our own fault. */
  bug(error: unknown): void
}

/**
 * What became of a publish. A ticket or undefined: it went to somebody, and that is what its acknowledgement waits
 * for. `unmatched`: nobody is interested. `refused`: a queue is full, or nothing can be stored, and nobody got it.
 */
export type Published = Ticket | "unmatched" | "refused" | undefined

const expirySweepMs = 60_000

/** The core: whoever has a message calls `publish`, whoever wants some is a Subscriber. It knows no connection. */
export class Broker implements SessionObserver, SessionSurroundings {
  readonly hook: Hook
  readonly sessions: SessionRegistry
  readonly retained = new RetainedTree()
  readonly subscriptions: SubscriptionTree
  readonly counters: Counters
  readonly limits: BrokerLimits
  readonly observer: SessionObserver = this
  readonly #store: Store
  readonly #clock: Clock
  readonly #router: Router
  readonly #bug: (error: unknown) => void
  #sweep: { cancel(): void } | undefined

  constructor(options: BrokerOptions) {
    this.#store = options.store
    this.#clock = options.clock
    this.#bug = (error) => options.bug(error)
    this.counters = options.counters
    this.limits = options.limits
    this.subscriptions = new SubscriptionTree(options.shareStrategy)
    this.#router = new Router(this.subscriptions)
    this.hook = new Hook(this.subscriptions, this.#bug)
    this.sessions = new SessionRegistry({
      broker: this,
      store: options.store,
      clock: options.clock,
      maximumExpirySeconds: options.limits.sessionExpiryMaximumSeconds,
      mayPublishWill: (message) => options.mayPublishWill(message),
    })
  }

  /** Takes in what the store kept. Call once, before the first client. */
  async restore(): Promise<void> {
    for await (const message of this.#store.retained()) {
      if (!isExpired(message, this.now())) this.retained.apply(message.topic.name, message)
      else this.#store.unretain(message.topic.name)
    }
    for await (const stored of this.#store.sessions()) this.#restoreSession(stored)
    this.sessions.restored()
    this.#scheduleSweep()
  }

  now(): number {
    return this.#clock.now()
  }

  /** Hot. Keeps the message if it is to be retained, and gives it to each interested subscriber once. */
  publish(message: Message): Published {
    const publish = new SharedPublish(message)
    if (message.qos > 0 && this.limits.whenFull === "reject" && this.#router.refuses(publish)) {
      return "refused"
    }
    let retaining: Ticket | undefined
    if (message.retain) {
      const kept = this.#retain(message)
      if (kept === "refused") return "refused"
      retaining = message.qos > 0 ? kept : undefined
    }
    const routed = this.#router.route(publish)
    if (routed === "unmatched") return retaining ?? (message.retain ? undefined : "unmatched")
    return routed ?? retaining
  }

  /** Publishes what is retained for as long as the process lives, and in no store. */
  publishFleeting(message: Message): void {
    this.retained.apply(message.topic.name, message)
    this.#router.route(new SharedPublish(message))
  }

  /**
   * Adds a session's subscription, or replaces the one it has to the same filter.
   *
   * @returns whether it is new, and what its SUBACK waits for
   */
  subscribe(
    session: Session,
    subscription: Subscription,
  ): { readonly isNew: boolean; readonly ticket: Ticket | undefined } {
    const replaced = this.subscriptions.add(subscription)
    const ticket = session.subscribed(subscription)
    return { isNew: replaced === undefined, ticket }
  }

  /** @returns whether there was one, and what the UNSUBACK waits for */
  unsubscribe(
    session: Session,
    filter: TopicFilter,
    shareName: ShareName | undefined,
  ): { readonly existed: boolean; readonly ticket: Ticket | undefined } {
    const removed = this.subscriptions.remove(session, filter, shareName)
    if (removed === undefined) return { existed: false, ticket: undefined }
    return { existed: true, ticket: session.unsubscribed(removed) }
  }

  /** Ends what waits on the clock. The store is closed by whoever opened it. */
  close(): void {
    this.#sweep?.cancel()
    this.sessions.close()
  }

  dropped(session: Session, message: Message, why: DropReason): void {
    this.counters.dropped[why] += 1
    if (this.hook.hears("message-dropped")) {
      this.hook.tell({ kind: "message-dropped", clientId: session.clientId, why, message })
    }
  }

  droppedUnseen(session: Session, why: DropReason): void {
    this.counters.dropped[why] += 1
    this.hook.tell({ kind: "message-dropped", clientId: session.clientId, why, message: undefined })
  }

  unreadable(session: Session, error: unknown): void {
    this.#bug(new Error(`the queue of ${session.clientId} could not be read`, { cause: error }))
  }

  /** An empty payload clears the topic [MQTT-3.3.1-6]. */
  #retain(message: Message): Ticket | "refused" | undefined {
    const topic = message.topic.name
    if (message.payload.length === 0) {
      return this.retained.apply(topic, undefined) === undefined ? undefined : this.#store.unretain(topic)
    }
    const { retainedMessages, retainedBytes } = this.limits
    if (
      (this.retained.size >= retainedMessages && this.retained.get(topic) === undefined) ||
      this.retained.bytes + message.payload.length + topic.length > retainedBytes
    ) {
      return "refused"
    }
    const ticket = this.#store.retain(message)
    if (ticket?.state === "failed") return "refused"
    this.retained.apply(topic, message)
    return ticket
  }

  #restoreSession(stored: StoredSession): void {
    const session = new Session(this, stored.record, stored.journal, stored)
    this.sessions.restore(session)
    for (const kept of stored.subscriptions) {
      const { subscriptionIdentifier, ...rest } = kept
      const subscription: Subscription = {
        ...rest,
        subscriber: session,
        subscriptionIdentifiers: subscriptionIdentifier === 0 ? [] : [subscriptionIdentifier],
      }
      this.subscriptions.add(subscription)
      session.subscriptions.set(
        kept.shareName === undefined ? kept.filter : `$share/${kept.shareName}/${kept.filter}`,
        subscription,
      )
    }
  }

  #scheduleSweep(): void {
    this.#sweep = this.#clock.at(this.now() + expirySweepMs, () => {
      const expired: TopicName[] = [...this.retained.expired(this.now())]
      for (const topic of expired) {
        this.retained.apply(topic, undefined)
        this.#store.unretain(topic)
      }
      this.#scheduleSweep()
    })
  }
}
