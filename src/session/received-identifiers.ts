import type { Ticket, TicketWaiter } from "../foundation/ticket.ts"
import type { PacketId } from "../protocol/packet.ts"
import type { SessionJournal } from "../storage/store.ts"
import { PacketIdSet } from "./packet-id-set.ts"

/**
 * The packet identifiers of what a client publishes at QoS 2, from PUBLISH to PUBREL: the receiver's half of the
 * conversation [4.3.3].
 */
export class ReceivedIdentifiers implements TicketWaiter {
  readonly #journal: SessionJournal | undefined
  /** Those that the store has, or never will. */
  readonly #kept = new PacketIdSet()
  /** Each with what its PUBREC waits for. */
  #unsettled: Map<PacketId, Ticket> | undefined
  #waitsOn: Ticket | undefined

  /** @param stored those of earlier connections that were not released */
  constructor(journal: SessionJournal | undefined, stored: readonly PacketId[]) {
    this.#journal = journal
    for (const packetId of stored) this.#kept.add(packetId)
  }

  /** How many the client has not released. */
  get size(): number {
    return this.#kept.size + (this.#unsettled?.size ?? 0)
  }

  /** The message was routed before, so only its PUBREC is repeated [MQTT-4.3.3-10]. */
  has(packetId: PacketId): boolean {
    return this.#kept.has(packetId) || (this.#unsettled?.has(packetId) ?? false)
  }

  /**
   * Keeps nothing anew: a store that fails now must not break the promise that it kept before.
   *
   * @returns what a repeated PUBREC waits for
   */
  whenKept(packetId: PacketId): Ticket | undefined {
    return this.#unsettled?.get(packetId)
  }

  /** @returns what PUBREC waits for */
  keep(packetId: PacketId): Ticket | undefined {
    const ticket = this.#journal?.identifierKept(packetId)
    if (ticket === undefined || ticket.state === "committed") {
      this.#kept.add(packetId)
      return ticket
    }
    this.#unsettled ??= new Map()
    this.#unsettled.set(packetId, ticket)
    if (ticket.state === "pending" && this.#waitsOn !== ticket) {
      this.#waitsOn = ticket
      ticket.wait(this)
    }
    return ticket
  }

  /** The PUBREC was refused, so the identifier is the client's again. */
  forget(packetId: PacketId): void {
    this.#remove(packetId)
  }

  /** @returns what PUBCOMP waits for; `unknown` when the identifier was not kept */
  release(packetId: PacketId): "unknown" | Ticket | undefined {
    return this.#remove(packetId) ? this.#journal?.identifierReleased(packetId) : "unknown"
  }

  /** What could not be stored is forgotten when its PUBREC is refused. */
  settled(): void {
    for (const [packetId, ticket] of this.#unsettled ?? []) {
      if (ticket.state !== "committed") continue
      this.#unsettled?.delete(packetId)
      this.#kept.add(packetId)
    }
    if (this.#unsettled?.size === 0) this.#unsettled = undefined
  }

  /** @returns whether it was there */
  #remove(packetId: PacketId): boolean {
    const wasUnsettled = this.#unsettled?.delete(packetId) ?? false
    return this.#kept.delete(packetId) || wasUnsettled
  }
}
