import { isExpired } from "../protocol/message.ts"
import type { MessageRecord } from "../protocol/message-record.ts"
import type { Qos, Subscribe, SubscribeRequest, Unsubscribe } from "../protocol/packet.ts"
import { noProperties } from "../protocol/properties.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import { ReasonCode, reasonCodeOf } from "../protocol/reason-code.ts"
import {
  hasWildcard,
  parseSubscriptionFilter,
  type SubscriptionFilter,
  subscriptionFilterText,
  type TopicFilter,
} from "../protocol/topic.ts"
import { refusedSubscriptionReasons } from "../foundation/counters.ts"
import type { Ticket } from "../foundation/ticket.ts"
import type { Subscription } from "../routing/subscriber.ts"
import type { Session } from "../session/session.ts"
import type { Requester } from "../security/requester.ts"
import type { AckQueue } from "./ack-queue.ts"
import type { ConnectionSurroundings, Peer } from "./surroundings.ts"

/** How many topics are looked at before other connections have their turn. */
const retainedSlice = 500

const noIdentifiers: readonly number[] = []

interface Granted {
  readonly subscription: Subscription
  readonly replaced: Subscription | undefined
  readonly ticket: Ticket | undefined
}

interface RetainedDelivery {
  readonly subscription: Subscription
  readonly records: IterableIterator<MessageRecord | undefined>
}

/** SUBSCRIBE and UNSUBSCRIBE: check, grant, then the retained messages [3.8-3.11]. */
export class Subscribing {
  readonly #surroundings: ConnectionSurroundings
  readonly #peer: Peer
  readonly #session: Session
  readonly #acks: AckQueue
  readonly #principal: Requester
  readonly #bridge: boolean
  /** By filter, in the order of the subscriptions: who subscribes again is served anew, not twice. */
  #retained: Map<TopicFilter, RetainedDelivery> | undefined
  #delivery: "idle" | "delivering" | "awaits-turn" = "idle"
  #over = false

  /** @param bridge it speaks as a bridge does: messages keep RETAIN, and none of its own come back */
  constructor(
    surroundings: ConnectionSurroundings,
    peer: Peer,
    session: Session,
    acks: AckQueue,
    principal: Requester,
    bridge: boolean,
  ) {
    this.#surroundings = surroundings
    this.#peer = peer
    this.#session = session
    this.#acks = acks
    this.#principal = principal
    this.#bridge = bridge
  }

  /** @throws ProtocolError for what ends the connection */
  subscribe(packet: Subscribe): void {
    const [identifier] = packet.properties.subscriptionIdentifiers ?? []
    const outcomes = packet.requests.map((request) => this.#grant(request, identifier))
    this.#tellRefused(outcomes)
    // The tickets of one turn are one and the same, unless the store refuses.
    const ticket = outcomes.map((outcome) => ticketOf(outcome)).find((each) => each !== undefined)
    this.#acks.push({
      ticket,
      settle: (committed) => {
        const reasonCodes = outcomes.map((outcome) => this.#settled(outcome, committed))
        for (const outcome of outcomes) this.#withdrawUnstored(outcome, committed)
        this.#peer.send({ type: "suback", packetId: packet.packetId, reasonCodes, properties: noProperties })
        this.deliverRetained()
      },
    })
  }

  unsubscribe(packet: Unsubscribe): void {
    const { broker, topicLimits } = this.#surroundings
    let ticket: Ticket | undefined
    const { refusedSubscriptions } = this.#surroundings.counters
    const reasonCodes = packet.filters.map((text) => {
      const parsed = parseSubscriptionFilter(text, topicLimits)
      if (parsed === undefined) {
        refusedSubscriptions.filter += 1
        return ReasonCode.topicFilterInvalid
      }
      const removed = broker.unsubscribe(this.#session, parsed.filter, parsed.shareName)
      ticket = removed.ticket ?? ticket
      // What was not sent yet is not sent any more [MQTT-3.10.4-2].
      if (parsed.shareName === undefined) this.#retained?.delete(parsed.filter)
      if (!removed.existed) return ReasonCode.noSubscriptionExisted
      broker.hook.tell({ kind: "unsubscribed", clientId: this.#session.clientId, filter: text })
      return ReasonCode.success
    })
    this.#acks.push({
      ticket,
      settle: () =>
        this.#peer.send({
          type: "unsuback",
          packetId: packet.packetId,
          reasonCodes,
          properties: noProperties,
        }),
    })
  }

  /**
   * Sends retained messages for as long as the client takes them, in slices: a `#` over a million topics stops nobody
   * else, and fills no buffer. Called again when the client acknowledged or can be written to; but one slice in a turn
   * is all it gets, however often it does so.
   */
  deliverRetained(): void {
    if (this.#delivery !== "idle" || this.#retained === undefined) return
    this.#delivery = "delivering"
    let left = retainedSlice
    for (const [filter, delivery] of this.#retained) {
      // An administrator may have taken it away meanwhile.
      if (!this.#has(delivery.subscription)) {
        this.#retained.delete(filter)
        continue
      }
      left = this.#serve(delivery, left)
      if (left === 0 || !this.#goesOn) break
    }
    if (this.#retained?.size === 0) this.#retained = undefined
    this.#delivery = "idle"
    if (left > 0 || this.#over) return
    this.#delivery = "awaits-turn"
    this.#surroundings.turn.wait(() => {
      this.#delivery = "idle"
      this.deliverRetained()
    }, "long")
  }

  close(): void {
    this.#over = true
    this.#retained = undefined
  }

  get #goesOn(): boolean {
    return !this.#over && this.#session.ready
  }

  /** Hot. Looks at so many records at most. @returns how many are left of them */
  #serve({ subscription, records }: RetainedDelivery, most: number): number {
    let left = most
    for (; left > 0 && this.#goesOn; left--) {
      const { done, value: record } = records.next()
      if (done === true) {
        this.#retained?.delete(subscription.filter)
        return left
      }
      if (record === undefined) continue
      const publish = new SharedPublish(record)
      const expires = publish.expiresAtMs !== Number.POSITIVE_INFINITY
      if (expires && isExpired(publish, this.#surroundings.clock.now())) continue
      this.#session.deliverRetained(publish, subscription)
    }
    return left
  }

  #grant(request: SubscribeRequest, identifier: number | undefined): Granted | ReasonCode {
    const parsed = parseSubscriptionFilter(request.filter, this.#surroundings.topicLimits)
    if (parsed === undefined) return ReasonCode.topicFilterInvalid
    if (parsed.shareName !== undefined && request.noLocal) {
      throw protocolError("No Local on a shared subscription [MQTT-3.8.3-4]")
    }
    const { broker, limits } = this.#surroundings
    const qos = Math.min(request.qos, limits.maximumQos) as Qos
    const refusal = this.#refusalOf(parsed, qos)
    if (refusal !== undefined) return refusal
    const subscription: Subscription = {
      subscriber: this.#session,
      filter: parsed.filter,
      shareName: parsed.shareName,
      qos,
      // A bridge wants no echo of its own, which before MQTT 5 it had no other way to say.
      noLocal: request.noLocal || (this.#bridge && parsed.shareName === undefined),
      retainAsPublished: request.retainAsPublished || this.#bridge,
      retainHandling: request.retainHandling,
      subscriptionIdentifiers: identifier === undefined ? noIdentifiers : [identifier],
    }
    const { replaced, ticket } = broker.subscribe(this.#session, subscription)
    return { subscription, replaced, ticket }
  }

  /** Who may not is told of by the authorization. */
  #tellRefused(outcomes: readonly (Granted | ReasonCode)[]): void {
    const { counters, log } = this.#surroundings
    const reasons = { limit: ReasonCode.quotaExceeded, filter: ReasonCode.topicFilterInvalid }
    for (const why of refusedSubscriptionReasons) {
      const count = outcomes.filter((outcome) => outcome === reasons[why]).length
      if (count === 0) continue
      counters.refusedSubscriptions[why] += count
      log.warn("subscriptions refused", { client: this.#session.clientId, why, count })
    }
  }

  #refusalOf(asked: SubscriptionFilter, qos: Qos): ReasonCode | undefined {
    const { filter, shareName } = asked
    const { authorization, limits, refusals } = this.#surroundings
    if (shareName !== undefined && !limits.sharedSubscriptionAvailable) {
      return ReasonCode.sharedSubscriptionsNotSupported
    }
    if (hasWildcard(filter) && !limits.wildcardSubscriptionAvailable) {
      return ReasonCode.wildcardSubscriptionsNotSupported
    }
    // What may be read is decided by the filter itself: the share name in front of it gives no right.
    if (!authorization.maySubscribe(this.#principal, filter, qos)) {
      refusals.subscribeRefused(this.#principal, filter, qos)
      return ReasonCode.notAuthorized
    }
    const { subscriptions } = this.#session
    if (subscriptions.size >= limits.subscriptionsPerClient && subscriptions.get(asked) === undefined) {
      return ReasonCode.quotaExceeded
    }
    return undefined
  }

  /** @returns the reason code for SUBACK [3.9.3] */
  #settled(outcome: Granted | ReasonCode, committed: boolean): ReasonCode {
    if (typeof outcome === "number") return outcome
    if (isUnstored(outcome, committed)) return ReasonCode.quotaExceeded
    const { broker } = this.#surroundings
    const { subscription, replaced } = outcome
    // Taken back while it was being stored: what comes of it would come behind the UNSUBACK [MQTT-3.10.4-2].
    if (!this.#has(subscription)) return reasonCodeOf(subscription.qos)
    const text = subscriptionFilterText(subscription)
    broker.hook.tell({ kind: "subscribed", clientId: this.#session.clientId, filter: text })
    // A shared subscription gets no retained messages, for every new member would get them all [4.8.2].
    const wanted =
      subscription.retainHandling === 0 || (subscription.retainHandling === 1 && replaced === undefined)
    if (wanted && subscription.shareName === undefined && !this.#over) {
      this.#retained ??= new Map()
      this.#retained.delete(subscription.filter)
      this.#retained.set(subscription.filter, {
        subscription,
        records: broker.retained.match(subscription.filter),
      })
    }
    return reasonCodeOf(subscription.qos)
  }

  #has(subscription: Subscription): boolean {
    return this.#session.subscriptions.get(subscription) !== undefined
  }

  #withdrawUnstored(outcome: Granted | ReasonCode, committed: boolean): void {
    if (typeof outcome === "number" || !isUnstored(outcome, committed)) return
    this.#surroundings.broker.withdraw(this.#session, outcome.subscription, outcome.replaced)
  }
}

function isUnstored({ ticket }: Granted, committed: boolean): boolean {
  return !committed || ticket?.state === "failed"
}

function ticketOf(outcome: Granted | ReasonCode): Ticket | undefined {
  return typeof outcome === "number" ? undefined : outcome.ticket
}
