import { Agenda } from "./agenda.ts"
import type { Clock } from "../foundation/clock.ts"
import { type Message, nextMessageCounter } from "../protocol/message.ts"
import type { ClientId } from "../protocol/packet.ts"
import type { Session } from "../session/session.ts"
import type { StoredWill } from "../storage/store.ts"

/** What wills need of the house. */
export interface WillSurroundings {
  readonly clock: Clock
  session(clientId: ClientId): Session | undefined
  /** Publishes it, unless its client may no longer publish there; then it is dropped and counted. */
  publishWill(session: Session, message: Message): void
}

/** Wills of clients that went without a farewell, until they are published or their client is back [3.1.3.2.2]. */
export class DelayedWills {
  readonly #surroundings: WillSurroundings
  readonly #agenda: Agenda

  constructor(surroundings: WillSurroundings) {
    this.#surroundings = surroundings
    this.#agenda = new Agenda(surroundings.clock, (clientId) => {
      const session = surroundings.session(clientId as ClientId)
      if (session !== undefined) this.publish(session)
    })
  }

  /**
   * The session's connection was lost at `sinceMs`. A session that ends before the delay is over does not keep its will
   * waiting.
   */
  schedule(session: Session, will: StoredWill, expirySeconds: number, sinceMs: number): void {
    const delaySeconds = Math.min(will.delaySeconds, expirySeconds)
    if (delaySeconds === 0) this.publish(session)
    else this.#agenda.set(session.clientId, sinceMs + delaySeconds * 1000)
  }

  /** A client that is back in time has not died [MQTT-3.1.3-9]. */
  cancel(clientId: ClientId): void {
    this.#agenda.clear(clientId)
  }

  isWaiting(clientId: ClientId): boolean {
    return this.#agenda.dateOf(clientId) !== undefined
  }

  /**
   * Publishes the session's will now, if it has one, and takes it off its record: a crash leaves both or neither in the
   * store. Where that refuses the message it is counted as dropped, and not published again.
   */
  publish(session: Session): void {
    this.#agenda.clear(session.clientId)
    const { will } = session.record
    if (will === undefined) return
    const now = this.#surroundings.clock.now()
    const lifeMs =
      will.messageExpirySeconds === 0 ? Number.POSITIVE_INFINITY : will.messageExpirySeconds * 1000
    this.#surroundings.publishWill(session, {
      ...will.message,
      receivedAtMs: now,
      counter: nextMessageCounter(),
      expiresAtMs: now + lifeMs,
    })
    session.note({ will: undefined })
  }

  close(): void {
    this.#agenda.close()
  }
}
