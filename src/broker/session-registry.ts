import { Agenda } from "./agenda.ts"
import { ChurnMap } from "../foundation/churn-map.ts"
import type { Clock } from "../foundation/clock.ts"
import type { Counters } from "../foundation/counters.ts"
import { settled, type Ticket } from "../foundation/ticket.ts"
import type { Message } from "../protocol/message.ts"
import { type ClientId, neverExpires } from "../protocol/packet.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import type { SubscriptionTree } from "../routing/subscription-tree.ts"
import { Session, type SessionObserver, type SessionSurroundings } from "../session/session.ts"
import type { SessionRecord, Store, StoredWill } from "../storage/store.ts"
import { DelayedWills } from "./delayed-wills.ts"
import type { Hook } from "./hook.ts"
import { LeavingSubscriptions } from "./leaving-subscriptions.ts"

/** A client that asks for its session, already authenticated [3.1.4]. */
export interface OpenRequest {
  readonly clientId: ClientId
  /** The identity that authentication found. */
  readonly username: string | undefined
  readonly cleanStart: boolean
  readonly expiryIntervalSeconds: number
  readonly will: StoredWill | undefined
  /**
   * The session is this client's alone, and durable if it is to be. Called before anybody else can ask for it, so
   * CONNACK and the session's new link are settled in one step.
   */
  opened(session: Session, sessionPresent: boolean): void
  refused(reasonCode: ReasonCode): void
}

/** What the registry asks of its broker. */
export interface SessionKeeper extends SessionSurroundings, SessionObserver {
  readonly subscriptions: SubscriptionTree
  readonly hook: Hook
  readonly counters: Counters
  publish(message: Message): unknown
}

export interface RegistryOptions {
  readonly broker: SessionKeeper
  readonly store: Store
  readonly clock: Clock
  readonly maximumExpirySeconds: number
  mayPublishWill(message: Message): boolean
}

/** The sessions by client identifier: opened, resumed, taken over, expired. */
export class SessionRegistry {
  readonly #options: RegistryOptions
  readonly #sessions = new ChurnMap<ClientId, Session>()
  /** Who asks for a client identifier while another claim for it is under way waits for that one. */
  readonly #claims = new Map<ClientId, Promise<void>>()
  readonly #expiries: Agenda
  readonly #wills: DelayedWills
  readonly #leaving: LeavingSubscriptions

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#leaving = new LeavingSubscriptions(options.broker.subscriptions, options.clock)
    this.#expiries = new Agenda(options.clock, (clientId) => this.#expire(clientId as ClientId))
    this.#wills = new DelayedWills({
      clock: options.clock,
      session: (clientId) => this.#sessions.get(clientId),
      publishWill: (session, message) => {
        if (options.mayPublishWill(message)) options.broker.publish(message)
        else options.broker.dropped(session, new SharedPublish(message), "not-authorized")
      },
    })
  }

  get size(): number {
    return this.#sessions.size
  }

  find(clientId: ClientId): Session | undefined {
    return this.#sessions.get(clientId)
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#sessions.values()
  }

  /**
   * One claim at a time for each client identifier; the later one takes over [MQTT-3.1.4-3].
   *
   * @returns what has to be waited for; undefined: the request was answered at once
   */
  open(request: OpenRequest): Promise<void> | undefined {
    const { clientId } = request
    const earlier = this.#claims.get(clientId)
    const claim = earlier === undefined ? this.#claim(request) : earlier.then(() => this.#claim(request))
    if (claim === undefined) return undefined
    const settled = claim.catch(() => undefined)
    this.#claims.set(clientId, settled)
    return claim.finally(() => {
      if (this.#claims.get(clientId) === settled) this.#claims.delete(clientId)
    })
  }

  /**
   * The session's connection has ended.
   *
   * @param withWill false when the client said farewell in a way that discards its will [MQTT-3.1.2-10]
   * @param expiryIntervalSeconds what its DISCONNECT changed the interval to, if it did [3.14.2.2.2]
   */
  disconnected(session: Session, withWill: boolean, expiryIntervalSeconds: number | undefined): void {
    session.detach()
    const now = this.#options.clock.now()
    const { will } = session.record
    const expiry = this.#capped(expiryIntervalSeconds ?? session.record.expiryIntervalSeconds)
    if (will !== undefined && withWill) this.#wills.schedule(session, will, expiry, now)
    if (expiry === 0) {
      this.end(session)
      return
    }
    const waits = this.#wills.isWaiting(session.clientId)
    session.note({
      expiryIntervalSeconds: expiry,
      disconnectedAtMs: now,
      will: waits ? session.record.will : undefined,
    })
    if (expiry !== neverExpires) this.#expiries.set(session.clientId, now + expiry * 1000)
  }

  /** While somebody is being let in by this identifier: until it is known. Its session is promised to him, and not to be ended. */
  claimOf(clientId: ClientId): Promise<void> | undefined {
    return this.#claims.get(clientId)
  }

  /** Nothing of the session remains; a will that still waited is published now [3.1.3.2.2]. */
  end(session: Session, why: "session-ended" | "session-expired" = "session-ended"): Ticket | undefined {
    const { clientId } = session
    if (this.#wills.isWaiting(clientId)) this.#wills.publish(session)
    session.detach()
    this.#expiries.clear(clientId)
    this.#sessions.delete(clientId)
    this.#leaving.take(session)
    return session.end(why)
  }

  /** Puts back a session of an earlier run. */
  restore(session: Session): void {
    this.#sessions.set(session.clientId, session)
  }

  /** All are back: whoever was connected when the earlier run ended has lost its connection without a farewell. */
  restored(): void {
    const now = this.#options.clock.now()
    for (const session of [...this.#sessions.values()]) {
      if (session.record.disconnectedAtMs === undefined) session.note({ disconnectedAtMs: now })
      this.#awaitReturn(session, now)
    }
  }

  close(): void {
    this.#expiries.close()
    this.#wills.close()
    this.#leaving.close()
  }

  #claim(request: OpenRequest): Promise<void> | undefined {
    const existing = this.#sessions.get(request.clientId)
    if (existing !== undefined && existing.record.username !== request.username) {
      // Someone else's: it is neither kicked, resumed nor ended by a stranger who knows its name [5.4.2].
      request.refused(ReasonCode.clientIdentifierNotValid)
      return undefined
    }
    if (existing?.link !== undefined) {
      this.#options.broker.counters.sessionsTakenOver += 1
      this.#options.broker.hook.tell({ kind: "session-taken-over", clientId: request.clientId })
      existing.link.close(ReasonCode.sessionTakenOver)
    }
    // Closing may have ended it: a session that expires with its connection is not resumed.
    const left = this.#sessions.get(request.clientId)
    const resumed = left !== undefined && !request.cleanStart ? left : undefined
    const ended = left !== undefined && resumed === undefined ? this.end(left) : undefined
    const before = resumed?.record
    const created = resumed === undefined ? this.#create(request) : this.#resume(resumed, request)
    // A session that is not stored has nothing to wait for, but the one it replaces must not come back in a crash.
    const ticket = created.ticket ?? ended
    if (ticket?.state === "pending") {
      return settled(ticket).then((state) => this.#answer(request, created.session, before, state))
    }
    this.#answer(request, created.session, before, ticket?.state ?? "committed")
    return undefined
  }

  /** @param before what the session was that is resumed; undefined for a new one */
  #answer(
    request: OpenRequest,
    session: Session,
    before: SessionRecord | undefined,
    state: "committed" | "failed",
  ): void {
    if (state === "committed") {
      request.opened(session, before !== undefined)
      return
    }
    if (before === undefined) this.end(session)
    else this.#putBack(session, before)
    request.refused(ReasonCode.quotaExceeded)
  }

  #create(request: OpenRequest): { session: Session; ticket: Ticket | undefined } {
    const { broker, store, clock } = this.#options
    const record: SessionRecord = {
      clientId: request.clientId,
      username: request.username,
      createdAtMs: clock.wall(),
      expiryIntervalSeconds: this.#capped(request.expiryIntervalSeconds),
      disconnectedAtMs: undefined,
      will: request.will,
    }
    const stored = record.expiryIntervalSeconds === 0 ? undefined : store.create(record)
    const session = new Session(broker, record, stored?.journal)
    this.#sessions.set(request.clientId, session)
    return { session, ticket: stored?.ticket }
  }

  #resume(session: Session, request: OpenRequest): { session: Session; ticket: Ticket | undefined } {
    this.#expiries.clear(session.clientId)
    this.#wills.cancel(session.clientId)
    const ticket = session.update({
      expiryIntervalSeconds: this.#capped(request.expiryIntervalSeconds),
      disconnectedAtMs: undefined,
      will: request.will,
    })
    return { session, ticket }
  }

  /** Its client could not be let in after all, so the session is what it was, and its end comes as it would have. */
  #putBack(session: Session, before: SessionRecord): void {
    session.note(before)
    this.#awaitReturn(session, this.#options.clock.now())
  }

  /** The session is without its client: its will and its end come in their time. */
  #awaitReturn(session: Session, now: number): void {
    const { expiryIntervalSeconds, will, clientId } = session.record
    // The time between is lost where the power failed and the clock on the wall with it. What was is not to come yet.
    const disconnectedAtMs = Math.min(session.record.disconnectedAtMs ?? now, now)
    if (will !== undefined) this.#wills.schedule(session, will, expiryIntervalSeconds, disconnectedAtMs)
    if (expiryIntervalSeconds !== neverExpires) {
      this.#expiries.set(clientId, disconnectedAtMs + expiryIntervalSeconds * 1000)
    }
  }

  #expire(clientId: ClientId): void {
    const session = this.#sessions.get(clientId)
    if (session === undefined || session.link !== undefined) return
    this.#options.broker.counters.sessionsExpired += 1
    this.#options.broker.hook.tell({ kind: "session-expired", clientId })
    this.end(session, "session-expired")
  }

  #capped(expirySeconds: number): number {
    return Math.min(expirySeconds, this.#options.maximumExpirySeconds)
  }
}
