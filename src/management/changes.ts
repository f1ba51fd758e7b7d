import type { Connection } from "../connection/connection.ts"
import { cut } from "../foundation/log.ts"
import { settled, type Ticket } from "../foundation/ticket.ts"
import type { Qos } from "../protocol/packet.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import {
  hasWildcard,
  parseSubscriptionFilter,
  type SubscriptionFilter,
  subscriptionFilterText,
} from "../protocol/topic.ts"
import type { Subscription } from "../routing/subscriber.ts"
import type { Session } from "../session/session.ts"
import { type ClientQuery, connectionOf, fits as clientFits } from "./clients.ts"
import { Refused } from "./refused.ts"
import { matching, type RetainedQuery } from "./retained.ts"
import { StoreError } from "../storage/store-error.ts"
import { findSession, fits as sessionFits, type SessionQuery } from "./sessions.ts"
import { Slice } from "./slice.ts"
import type { SubscriptionFacts } from "./subscriptions.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

const backAfterRestart = "it is done, but could not be stored: after a restart it is back"

/** How many topics an entry of the audit names. */
const topicsTold = 10
/** So much of each, in UTF-16 units. */
const longestTopicTold = 256

/**
 * What an administrator changes. All of it is durable, and in the audit, when the promise resolves.
 *
 * @throws Refused also when it could not be stored, and says what has become of it
 */
export class Changes {
  readonly #surroundings: ManagementSurroundings
  /** Runs after what this turn has brought. */
  readonly #soon: (run: () => void) => void
  #isStopping = false
  readonly #stopped = Promise.withResolvers<"stopped">()

  constructor(surroundings: ManagementSurroundings, soon: (run: () => void) => void) {
    this.#surroundings = surroundings
    this.#soon = soon
  }

  /**
   * Nothing more is changed: whoever does the same to many goes no further, and writes down how far he came. What waits
   * for the disk is not waited for, as it may wait for the store to be closed.
   */
  stop(): void {
    this.#isStopping = true
    this.#stopped.resolve("stopped")
  }

  /**
   * Ends a client's connection, without its will. Its session stays, and it may come back.
   *
   * @throws Refused when it is not connected
   */
  async kick(who: string, clientId: string): Promise<void> {
    this.#refuseWhenStopping()
    const connection = connectionOf(this.#surroundings.acceptor, clientId)
    if (connection === undefined) throw new Refused(404, `no client ${JSON.stringify(clientId)} is connected`)
    expel(connection)
    await this.#record(who, `client ${JSON.stringify(clientId)} kicked`, { client: clientId })
  }

  /**
   * The same for all that fit, in slices. Who comes meanwhile may be among them or not.
   *
   * @returns how many
   */
  async kickAll(who: string, query: ClientQuery): Promise<number> {
    const slice = new Slice(this.#surroundings.clock)
    let kicked = 0
    for (const connection of this.#surroundings.acceptor.connections) {
      if (slice.isOver()) await this.#nextTurn()
      if (this.#isStopping) break
      const { client } = connection
      if (client === undefined || !clientFits(client, connection, query)) continue
      expel(connection)
      kicked += 1
    }
    if (kicked > 0) await this.#record(who, `${counted(kicked, "client")} kicked`, { ...told(query), kicked })
    return kicked
  }

  /**
   * Ends a session with all that waits in it, and the connection of its client if there is one.
   *
   * @throws Refused when there is none
   */
  async removeSession(who: string, clientId: string): Promise<void> {
    const { sessions } = this.#surroundings.broker
    const { clientId: known } = findSession(this.#surroundings, clientId)
    for (let claim = sessions.claimOf(known); claim !== undefined; claim = sessions.claimOf(known))
      if ((await Promise.race([claim, this.#stopped.promise])) === "stopped") break
    this.#refuseWhenStopping()
    const session = findSession(this.#surroundings, clientId)
    const connection = session.present ? connectionOf(this.#surroundings.acceptor, clientId) : undefined
    await this.#durable(this.#end(session, connection), backAfterRestart)
    await this.#record(who, `session of ${JSON.stringify(clientId)} removed`, { client: clientId })
  }

  /**
   * The same for all that fit, in slices. What comes meanwhile may be among them or not.
   *
   * @returns how many
   * @throws Refused while nothing can be stored; what was removed by then is in the audit
   */
  async removeSessions(who: string, query: SessionQuery): Promise<number> {
    const { acceptor, broker, clock } = this.#surroundings
    const { sessions } = broker
    const slice = new Slice(clock)
    const tickets = new Set<Ticket>()
    let removed = 0
    const remove = (session: Session, connection?: Connection) => {
      const ticket = this.#end(session, connection)
      if (ticket !== undefined) tickets.add(ticket)
      removed += 1
    }
    for (const connection of acceptor.connections) {
      if (slice.isOver()) await this.#nextTurn()
      if (this.#isStopping) break
      const session = connection.client?.session
      if (session !== undefined && sessionFits(session, query, clock.now())) remove(session, connection)
    }
    for (const session of sessions) {
      if (slice.isOver()) await this.#nextTurn()
      if (this.#isStopping) break
      // Whose client is on its way in is connected in a moment, and so is none of those that are away.
      if (session.present || sessions.claimOf(session.clientId) !== undefined) continue
      if (sessionFits(session, query, clock.now())) remove(session)
    }
    const isStored = await this.#areStored(tickets)
    if (removed > 0)
      await this.#record(who, `${counted(removed, "session")} removed`, { ...told(query), removed })
    if (!isStored) throw new Refused(503, backAfterRestart)
    return removed
  }

  /**
   * Subscribes a session, or replaces its subscription to the same filter. What is retained is not sent for it.
   *
   * @throws Refused for a filter that is none, a session that is not there, or one subscription too many
   */
  async subscribe(who: string, wanted: Omit<SubscriptionFacts, "retainHandling">): Promise<void> {
    this.#refuseWhenStopping()
    const { broker, limits } = this.#surroundings
    const parsed = this.#filterOf(wanted.filter)
    if (parsed.shareName !== undefined && wanted.noLocal) {
      throw new Refused(
        400,
        "a shared subscription cannot leave out what its client publishes [MQTT-3.8.3-4]",
      )
    }
    if (parsed.shareName !== undefined && !limits.sharedSubscriptions) {
      throw new Refused(
        409,
        "there are no shared subscriptions here; see mqtt.shared_subscriptions_available",
      )
    }
    if (hasWildcard(parsed.filter) && !limits.wildcardSubscriptions) {
      throw new Refused(409, "there are no wildcards here; see mqtt.wildcard_subscriptions_available")
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
      await this.#durable(ticket, "it could not be stored, and is not done")
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
    this.#refuseWhenStopping()
    const { broker } = this.#surroundings
    const parsed = this.#filterOf(filter)
    const session = findSession(this.#surroundings, clientId)
    const { existed, ticket } = broker.unsubscribe(session, parsed.filter, parsed.shareName)
    if (!existed) throw new Refused(404, `${JSON.stringify(clientId)} is not subscribed to ${filter}`)
    await this.#durable(ticket, backAfterRestart)
    broker.hook.tell({ kind: "unsubscribed", clientId: session.clientId, filter })
    await this.#record(who, `${JSON.stringify(clientId)} unsubscribed from ${filter}`, {
      client: clientId,
      filter,
    })
  }

  /**
   * Removes retained messages as if they had expired: no subscriber hears of it. In slices; what comes meanwhile may be
   * among them or not.
   *
   * @returns how many
   * @throws Refused while nothing can be stored; what was removed by then is in the audit
   */
  async removeRetained(who: string, query: RetainedQuery): Promise<number> {
    const { broker, clock } = this.#surroundings
    // What the broker says of itself would be back with its next change, or never.
    if (/^\$SYS(\/|$)/.test(query.filter))
      throw new Refused(400, "what stands under $SYS is the broker's own")
    const slice = new Slice(clock)
    const tickets = new Set<Ticket>()
    const topics: string[] = []
    let removed = 0
    let isRefused = false
    for (const message of matching(this.#surroundings, query)) {
      if (slice.isOver()) await this.#nextTurn()
      if (this.#isStopping) break
      if (message === undefined) continue
      const ticket = broker.removeRetained(message.topic)
      isRefused = ticket === "refused"
      if (ticket === "refused") break
      if (ticket !== undefined) tickets.add(ticket)
      removed += 1
      if (topics.length < topicsTold) topics.push(cut(message.topic, longestTopicTold))
    }
    if (!(await this.#areStored(tickets))) isRefused = true
    if (removed > 0) {
      const names =
        topics.join(", ") + (removed > topics.length ? ` and ${removed - topics.length} more` : "")
      await this.#record(who, `retained messages removed: ${names}`, { filter: query.filter, removed })
    }
    if (isRefused)
      throw new Refused(503, `nothing can be stored at the moment; ${removed} were removed by then`)
    return removed
  }

  /** @returns what its end waits for */
  #end(session: Session, connection: Connection | undefined): Ticket | undefined {
    const { sessions } = this.#surroundings.broker
    if (connection !== undefined) expel(connection)
    // One that lasts no longer than its connection has ended with it.
    return sessions.find(session.clientId) === session ? sessions.end(session) : undefined
  }

  #refuseWhenStopping(): void {
    if (this.#isStopping) throw new Refused(503, "the broker stops")
  }

  #nextTurn(): Promise<void> {
    return new Promise((go) => this.#soon(go))
  }

  #filterOf(text: string): SubscriptionFilter {
    const parsed = parseSubscriptionFilter(text, this.#surroundings.limits.topics)
    if (parsed === undefined) throw new Refused(400, `${JSON.stringify(text)} is no topic filter`)
    return parsed
  }

  /** @throws Refused with the sentence */
  async #durable(ticket: Ticket | undefined, otherwise: string): Promise<void> {
    if (ticket !== undefined && !(await this.#areStored([ticket]))) throw new Refused(503, otherwise)
  }

  /** Waits for all of them. @returns false when one has failed */
  async #areStored(tickets: Iterable<Ticket>): Promise<boolean> {
    let areStored = true
    for (const ticket of tickets) {
      if ((await Promise.race([settled(ticket), this.#stopped.promise])) === "failed") areStored = false
    }
    return areStored
  }

  async #record(who: string, what: string, facts: Readonly<Record<string, string | number>>): Promise<void> {
    const { accounts, clock } = this.#surroundings
    try {
      await accounts.record([{ atMs: clock.wall(), kind: "change", who, what, facts }])
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      throw new Refused(503, `it is done, and the audit does not tell of it: ${error.message}`)
    }
  }
}

/** An MQTT 5 client is told that somebody has done so on purpose. */
function expel(connection: Connection): void {
  connection.expel(ReasonCode.administrativeAction, "kicked")
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`
}

/** What a query says, for the audit. */
function told(query: object): Record<string, string | number> {
  const said = Object.entries(query).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    said.map(([name, value]) => [name, typeof value === "number" ? value : String(value)]),
  )
}
