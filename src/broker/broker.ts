import type { Clock } from "../foundation/clock.ts"
import type { Counters, DropReason } from "../foundation/counters.ts"
import type { Ticket } from "../foundation/ticket.ts"
import type { Message, Publisher } from "../protocol/message.ts"
import type { ClientId } from "../protocol/packet.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import { type ShareName, type TopicFilter, type TopicName } from "../protocol/topic.ts"
import type { RetainedTree } from "../routing/retained-tree.ts"
import { Router } from "../routing/router.ts"
import type { ShareStrategy } from "../routing/share-groups.ts"
import type { Subscription } from "../routing/subscriber.ts"
import { SubscriptionTree } from "../routing/subscription-tree.ts"
import type { SessionLimits } from "../session/session-limits.ts"
import { Session, type SessionObserver, type SessionSurroundings } from "../session/session.ts"
import type { Store, StoredSession } from "../storage/store.ts"
import { Hook } from "./hook.ts"
import { type RetainedLimits, RetainedMessages } from "./retained-messages.ts"
import { SessionRegistry } from "./session-registry.ts"

export interface BrokerLimits extends SessionLimits, RetainedLimits {
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
  /** Before wills of an earlier run may be published: whoever decides about them gets to know who left them. */
  meetWillPublishers?(publishers: readonly Publisher[]): Promise<void>
  /** Takes an error that is our own fault. */
  bug(error: unknown): void
}

/**
 * What became of a publish. A ticket or undefined: it went to somebody, and that is what its acknowledgement waits
 * for. `unmatched`: nobody is interested. `refused`: a queue is full, or nothing can be stored, and nobody got it.
 */
export type Published = Ticket | "unmatched" | "refused" | undefined

/** One for all subscriptions without: by the million, an empty array each would be felt (bench:scale memory). */
const noIdentifiers: readonly number[] = []

/** The core: whoever has a message calls `publish`, whoever wants some is a Subscriber. It knows no connection. */
export class Broker implements SessionObserver, SessionSurroundings {
  readonly hook: Hook
  readonly sessions: SessionRegistry
  readonly subscriptions: SubscriptionTree
  readonly counters: Counters
  readonly limits: BrokerLimits
  readonly observer: SessionObserver = this
  readonly #store: Store
  readonly #clock: Clock
  readonly #router: Router
  readonly #retained: RetainedMessages
  /** Subscriptions that could not be stored, and what was in force before them. */
  readonly #unstored = new WeakMap<Subscription, Subscription | undefined>()
  readonly #bug: (error: unknown) => void
  readonly #meetWillPublishers: (publishers: readonly Publisher[]) => Promise<void>

  constructor(options: BrokerOptions) {
    this.#store = options.store
    this.#clock = options.clock
    this.#bug = (error) => options.bug(error)
    this.#meetWillPublishers = async (publishers) => options.meetWillPublishers?.(publishers)
    this.counters = options.counters
    this.limits = options.limits
    this.subscriptions = new SubscriptionTree(options.shareStrategy)
    this.#router = new Router(this.subscriptions)
    this.#retained = new RetainedMessages(options.store, options.clock, options.limits)
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
    await this.#retained.restore()
    const publishers: Publisher[] = []
    for await (const stored of this.#store.sessions()) {
      this.#restoreSession(stored)
      const { will } = stored.record
      if (will !== undefined) publishers.push(will.message.publisher)
    }
    await this.#meetWillPublishers(publishers)
    this.sessions.restored()
  }

  get retained(): RetainedTree {
    return this.#retained.tree
  }

  now(): number {
    return this.#clock.now()
  }

  get storeFails(): boolean {
    const { mood } = this.#store
    return mood === "failed" || mood === "lost"
  }

  /**
   * Hot. Whether a message of QoS 2 may be published now. While nothing can be stored, and somebody it is for or its
   * publisher has a session that is, it would be refused for those alone: the others had it, and had it again when it is
   * published anew [4.3.3].
   */
  canPromise(message: Message): boolean {
    if (!this.storeFails) return true
    const { clientId } = message.publisher
    const publisher = clientId === "" ? undefined : this.sessions.find(clientId)
    return publisher?.isStored !== true && !this.#router.stores(message.topic.name)
  }

  /** Hot. Keeps the message if it is to be retained, and gives it to each interested subscriber once. */
  publish(message: Message): Published {
    const publish = new SharedPublish(message)
    if (message.qos > 0 && this.limits.whenFull === "reject" && this.#router.refuses(publish)) {
      this.#rejected(publish, "queue-full")
      return "refused"
    }
    let retaining: Ticket | undefined
    if (message.retain) {
      const kept = this.#retained.keep(message)
      if (kept === "full" || kept === "refused") {
        this.#rejected(publish, kept === "full" ? "retained-full" : "not-stored")
        // QoS 0 promises nothing, so whoever listens now gets it all the same.
        if (message.qos > 0) return "refused"
      } else {
        retaining = kept
      }
    }
    const routed = this.#router.route(publish)
    if (routed === "unmatched") return retaining ?? (message.retain ? undefined : "unmatched")
    return routed ?? retaining
  }

  /** Hot. A run holds nothing that is retained, and none is made of QoS 1 where a full queue refuses its publisher. */
  publishRun(run: PublishRun, topic: TopicName, publisher: string): Published {
    return this.#router.routeRun(run, topic, publisher)
  }

  /** Publishes what is retained for as long as the process lives, and in no store. */
  publishFleeting(message: Message): void {
    this.#retained.keepFleeting(message)
    this.#router.route(new SharedPublish(message))
  }

  /** @see RetainedMessages.remove */
  removeRetained(topic: TopicName): Ticket | "refused" | undefined {
    return this.#retained.remove(topic)
  }

  /**
   * Adds a session's subscription, or replaces the one it has to the same filter.
   *
   * @returns the one it replaces, and what its SUBACK waits for
   */
  subscribe(
    session: Session,
    subscription: Subscription,
  ): { readonly replaced: Subscription | undefined; readonly ticket: Ticket | undefined } {
    const replaced = this.subscriptions.add(subscription)
    const ticket = session.subscribed(subscription)
    return { replaced, ticket }
  }

  /**
   * It could not be stored. What it replaced is in the store still, and is in force again; where that could not be stored
   * either, what that had replaced.
   */
  withdraw(session: Session, subscription: Subscription, replaced: Subscription | undefined): void {
    const before =
      replaced !== undefined && this.#unstored.has(replaced) ? this.#unstored.get(replaced) : replaced
    this.#unstored.set(subscription, before)
    // Another has replaced it, and goes back to that if need be.
    if (session.subscriptions.get(subscription) !== subscription) return
    if (before === undefined) {
      this.subscriptions.remove(session, subscription.filter, subscription.shareName)
      // The store never had it, so there is nothing that it should take away.
      session.subscriptions.delete(subscription)
    } else {
      this.subscriptions.add(before)
      session.subscriptions.put(before)
    }
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
    this.#retained.close()
    this.sessions.close()
  }

  /** Hot. A flood that nobody can take ends here, message by message. */
  dropped(session: Session, publish: SharedPublish, why: DropReason): void {
    this.lost(session.clientId, why, publish.topicName, 1, publish.queueBytes)
  }

  droppedSome(
    session: Session,
    why: DropReason,
    topic: TopicName | undefined,
    messages: number,
    bytes: number,
  ): void {
    this.lost(session.clientId, why, topic, messages, bytes)
  }

  queueFilling(session: Session): void {
    const { clientId, load: messages, queuedBytes: bytes } = session
    this.hook.tell({ kind: "queue-filling", clientId, messages, bytes })
  }

  /**
   * Hot. Counts messages that did not reach somebody.
   *
   * @param clientId whose loss it is
   * @param topic undefined: not known, or several
   * @param bytes 0 where nobody knows
   */
  lost(
    clientId: ClientId | "",
    why: DropReason,
    topic: TopicName | undefined,
    messages: number,
    bytes: number,
  ): void {
    this.counters.dropped[why] += messages
    if (this.hook.hears("message-dropped")) {
      this.hook.tell({ kind: "message-dropped", clientId, why, topic, messages, bytes })
    }
  }

  #rejected(publish: SharedPublish, why: DropReason): void {
    const { publisher, topic } = publish.message
    this.lost(publisher.clientId, why, topic.name, 1, publish.queueBytes)
  }

  unreadable(session: Session, error: unknown): void {
    this.#bug(new Error(`the queue of ${session.clientId} could not be read`, { cause: error }))
  }

  #restoreSession(stored: StoredSession): void {
    const session = new Session(this, stored.record, stored.journal, stored)
    this.sessions.restore(session)
    for (const kept of stored.subscriptions) {
      const { filter, shareName, qos, noLocal, retainAsPublished, retainHandling } = kept
      const identifier = kept.subscriptionIdentifier
      // Written out: a spread takes three times as long (bench:scale start).
      const subscription: Subscription = {
        subscriber: session,
        filter,
        shareName,
        qos,
        noLocal,
        retainAsPublished,
        retainHandling,
        subscriptionIdentifiers: identifier === 0 ? noIdentifiers : [identifier],
      }
      this.subscriptions.add(subscription)
      session.subscriptions.put(subscription)
    }
  }
}
