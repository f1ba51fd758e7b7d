import { settled, type Ticket } from "../foundation/ticket.ts"
import type { Qos } from "../protocol/packet.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import {
  parseSubscriptionFilter,
  type SubscriptionFilter,
  subscriptionFilterText,
  type TopicName,
} from "../protocol/topic.ts"
import type { Subscription } from "../routing/subscriber.ts"
import { clientOf } from "./clients.ts"
import { looksPerSlice } from "./listing.ts"
import { Refused } from "./refused.ts"
import { matching, type RetainedQuery } from "./retained.ts"
import { findSession } from "./sessions.ts"
import type { SubscriptionFacts } from "./subscriptions.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

/** How many topics an entry of the audit names. */
const topicsTold = 10

/** What an administrator changes. All of it is durable, and in the audit, when the promise resolves. */
export class Changes {
  readonly #surroundings: ManagementSurroundings
  /** Runs after what this turn has brought. */
  readonly #soon: (run: () => void) => void

  constructor(surroundings: ManagementSurroundings, soon: (run: () => void) => void) {
    this.#surroundings = surroundings
    this.#soon = soon
  }

  /**
   * Ends a client's connection, without its will. Its session stays, and it may come back.
   *
   * @throws Refused when it is not connected
   */
  async kick(who: string, clientId: string): Promise<void> {
    clientOf(this.#surroundings, clientId)
    this.#expel(clientId)
    await this.#record(who, `client ${JSON.stringify(clientId)} kicked`, { client: clientId })
  }

  /**
   * Ends a session with all that waits in it, and the connection of its client if there is one.
   *
   * @throws Refused when there is none
   */
  async removeSession(who: string, clientId: string): Promise<void> {
    const { sessions } = this.#surroundings.broker
    const session = findSession(this.#surroundings, clientId)
    if (session.present) this.#expel(clientId)
    // One that lasts no longer than its connection has ended with it.
    const ticket = sessions.find(session.clientId) === session ? sessions.end(session) : undefined
    await this.#durable(ticket)
    await this.#record(who, `session of ${JSON.stringify(clientId)} removed`, { client: clientId })
  }

  /**
   * Subscribes a session, or replaces its subscription to the same filter. What is retained is not sent for it.
   *
   * @throws Refused for a filter that is none, a session that is not there, or one subscription too many
   */
  async subscribe(who: string, wanted: Omit<SubscriptionFacts, "retainHandling">): Promise<void> {
    const { broker, limits } = this.#surroundings
    const parsed = this.#filterOf(wanted.filter)
    if (parsed.shareName !== undefined && wanted.noLocal) {
      throw new Refused(
        400,
        "a shared subscription cannot leave out what its client publishes [MQTT-3.8.3-4]",
      )
    }
    const session = findSession(this.#surroundings, wanted.client)
    const { subscriptions } = session
    if (subscriptions.size >= limits.subscriptionsPerClient && subscriptions.get(parsed) === undefined) {
      throw new Refused(409, `it has ${subscriptions.size} subscriptions already, as many as it may`)
    }
    const subscription: Subscription = {
      subscriber: session,
      ...parsed,
      qos: Math.min(wanted.qos, limits.maximumQos) as Qos,
      noLocal: wanted.noLocal,
      retainAsPublished: wanted.retainAsPublished,
      retainHandling: 2,
      subscriptionIdentifiers: wanted.identifier === null ? [] : [wanted.identifier],
    }
    const { replaced, ticket } = broker.subscribe(session, subscription)
    try {
      await this.#durable(ticket)
    } catch (error) {
      broker.withdraw(session, subscription, replaced)
      throw error
    }
    const filter = subscriptionFilterText(subscription)
    broker.hook.tell({ kind: "subscribed", clientId: session.clientId, filter })
    await this.#record(who, `${JSON.stringify(wanted.client)} subscribed to ${filter}`, {
      client: wanted.client,
      filter,
      qos: subscription.qos,
    })
  }

  /** @throws Refused when there is no such subscription */
  async unsubscribe(who: string, clientId: string, filter: string): Promise<void> {
    const { broker } = this.#surroundings
    const parsed = this.#filterOf(filter)
    const session = findSession(this.#surroundings, clientId)
    const { existed, ticket } = broker.unsubscribe(session, parsed.filter, parsed.shareName)
    if (!existed) throw new Refused(404, `${JSON.stringify(clientId)} is not subscribed to ${filter}`)
    await this.#durable(ticket)
    broker.hook.tell({ kind: "unsubscribed", clientId: session.clientId, filter })
    await this.#record(who, `${JSON.stringify(clientId)} unsubscribed from ${filter}`, {
      client: clientId,
      filter,
    })
  }

  /**
   * Removes retained messages as if they had expired: no subscriber hears of it.
   *
   * @returns how many
   */
  async removeRetained(who: string, query: RetainedQuery): Promise<number> {
    const { broker } = this.#surroundings
    const told: TopicName[] = []
    let removed = 0
    const tickets = new Set<Ticket>()
    let looked = 0
    for (const message of matching(this.#surroundings, query)) {
      looked += 1
      if (looked % looksPerSlice === 0) await new Promise<void>((go) => this.#soon(go))
      if (message === undefined) continue
      const topic = message.topic.name
      const ticket = broker.removeRetained(topic)
      if (ticket === "refused") throw new Refused(503, "nothing can be stored at the moment")
      if (ticket !== undefined) tickets.add(ticket)
      removed += 1
      if (told.length < topicsTold) told.push(topic)
    }
    if (removed === 0) return 0
    for (const ticket of tickets) await this.#durable(ticket)
    const names = told.join(", ") + (removed > told.length ? ` and ${removed - told.length} more` : "")
    await this.#record(who, `retained messages removed: ${names}`, { filter: query.filter, removed })
    return removed
  }

  #expel(clientId: string): void {
    const code = ReasonCode.administrativeAction
    this.#surroundings.acceptor.endWhere((peer) => peer.clientId === clientId, code, "kicked")
  }

  #filterOf(text: string): SubscriptionFilter {
    const parsed = parseSubscriptionFilter(text, this.#surroundings.limits.topics)
    if (parsed === undefined) throw new Refused(400, `${JSON.stringify(text)} is no topic filter`)
    return parsed
  }

  async #durable(ticket: Ticket | undefined): Promise<void> {
    if (ticket === undefined || (await settled(ticket)) === "committed") return
    throw new Refused(503, "it could not be stored, and is not done")
  }

  async #record(who: string, what: string, facts: Readonly<Record<string, string | number>>): Promise<void> {
    const { accounts, clock } = this.#surroundings
    await accounts.record([{ atMs: clock.wall(), kind: "change", who, what, facts }])
  }
}
