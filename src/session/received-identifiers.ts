import type { Ticket } from "../foundation/ticket.ts"
import type { PacketId } from "../protocol/packet.ts"
import type { SessionJournal } from "../storage/store.ts"

/**
 * The packet identifiers of what a client publishes at QoS 2, from PUBLISH to PUBREL: the receiver's half of the
 * conversation [4.3.3].
 */
export class ReceivedIdentifiers {
  readonly #journal: SessionJournal | undefined
  /** Each with what its PUBREC waits for; undefined when the store has it, or never will. */
  #awaitingRelease: Map<PacketId, Ticket | undefined> | undefined

  /** @param stored those of earlier connections that were not released */
  constructor(journal: SessionJournal | undefined, stored: readonly PacketId[]) {
    this.#journal = journal
    if (stored.length > 0) this.#awaitingRelease = new Map(stored.map((packetId) => [packetId, undefined]))
  }

  /** How many the client has not released. */
  get size(): number {
    return this.#awaitingRelease?.size ?? 0
  }

  /** The message was routed before, so only its PUBREC is repeated [MQTT-4.3.3-10]. */
  has(packetId: PacketId): boolean {
    return this.#awaitingRelease?.has(packetId) ?? false
  }

  /**
   * Keeps nothing anew: a store that fails now must not break the promise that it kept before.
   *
   * @returns what a repeated PUBREC waits for
   */
  whenKept(packetId: PacketId): Ticket | undefined {
    return this.#awaitingRelease?.get(packetId)
  }

  /** @returns what PUBREC waits for */
  keep(packetId: PacketId): Ticket | undefined {
    const ticket = this.#journal?.identifierKept(packetId)
    this.#awaitingRelease ??= new Map()
    this.#awaitingRelease.set(packetId, ticket)
    return ticket
  }

  /** The PUBREC was refused, so the identifier is the client's again. */
  forget(packetId: PacketId): void {
    this.#awaitingRelease?.delete(packetId)
  }

  /** @returns what PUBCOMP waits for; `unknown` when the identifier was not kept */
  release(packetId: PacketId): "unknown" | Ticket | undefined {
    if (this.#awaitingRelease?.delete(packetId) !== true) return "unknown"
    if (this.#awaitingRelease.size === 0) this.#awaitingRelease = undefined
    return this.#journal?.identifierReleased(packetId)
  }
}
