import { Fifo } from "../foundation/fifo.ts"
import type { Ticket, TicketWaiter } from "../foundation/ticket.ts"
import { isExpired } from "../protocol/message.ts"
import type { PacketId } from "../protocol/packet.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import { isError, type ReasonCode } from "../protocol/reason-code.ts"
import type { RecalledMessage, Sequence, SessionJournal } from "../storage/store.ts"
import { InFlight } from "./in-flight.ts"
import type { Link } from "./link.ts"
import { Outgoing, packetIdOf } from "./outgoing.ts"
import type { SessionLimits } from "./session-limits.ts"

/** What a conversation tells its session. */
export interface ConversationOwner {
  readonly journal: SessionJournal | undefined
  readonly limits: SessionLimits
  now(): number
  /** Highest sequence given out so far. */
  readonly lastSequence: Sequence
  /** Size of a message of its queue, on average; at least 1. */
  readonly averageBytes: number
  /** The message is on the wire. */
  sent(sequence: Sequence, sentBefore: boolean): void
  /** A message that was sent is acknowledged and left the queue. */
  acknowledged(sequence: Sequence, bytes: number): void
  /** A message that was not sent left the queue. */
  dropped(outgoing: Outgoing, why: "expired" | "too-large" | "not-authorized" | "not-stored"): void
  /** The store has no more than what is in memory: these are all, so many of them sent before now. */
  counted(messages: number, bytes: number, sent: number): void
  /** The store could not be read; the client is better off connecting again. */
  failed(error: unknown): void
}

/**
 * The store is read in pages while a client catches up: of a few messages at first, of twice as many each time, and of
 * fewer when they are large. Who comes and goes again at once has little read for nothing: in a storm of them that was
 * half of what the broker did (torture: overload reconnect storm).
 */
const firstPageMessages = 32
const pageMessages = 500
const pageBytes = 4 * 1024 * 1024

/**
 * The sending half of a session while its client is connected [4.3, 4.4, 4.9]: what waits for its turn, what is in
 * flight, and what still lies in the store. A queue of a million messages keeps but a window of them in memory.
 *
 * It lives as long as one connection. What it holds is forgotten with it, and read back from the store by the next.
 */
export class Conversation implements TicketWaiter {
  readonly #owner: ConversationOwner
  readonly #link: Link
  readonly #waiting = new Fifo<Outgoing>()
  readonly #inFlight = new InFlight()
  /** Messages in flight at QoS 1 that another member of their share group could take. */
  #grouped: Map<Sequence, Outgoing> | undefined
  /** All up to here are in memory or done; all beyond, up to `#storedUpTo`, are in the store alone. */
  #pagedUpTo: Sequence
  #storedUpTo: Sequence
  #paging = false
  /** So many messages the next page may have. */
  #nextPage = firstPageMessages
  #waitsOn: Ticket | undefined
  #over = false

  /** @param hasStored whether the store holds messages of earlier connections */
  constructor(owner: ConversationOwner, link: Link, hasStored: boolean) {
    this.#owner = owner
    this.#link = link
    this.#pagedUpTo = hasStored ? 0 : owner.lastSequence
    this.#storedUpTo = hasStored ? owner.lastSequence : 0
  }

  get link(): Link {
    return this.#link
  }

  /** How many were sent and are not acknowledged to the end. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** A message given now would be on the wire at once. */
  get ready(): boolean {
    return (
      this.#waiting.size === 0 &&
      this.#pagedUpTo >= this.#storedUpTo &&
      this.#inFlight.size < this.#link.receiveMaximum &&
      this.#link.takesMore
    )
  }

  /** The store alone holds what is beyond this. */
  get pagedUpTo(): Sequence {
    return this.#pagedUpTo
  }

  /** Starts by sending again what an earlier connection left unacknowledged [MQTT-4.4.0-1]. */
  start(): void {
    this.pump()
  }

  /** Hot. Sends the message, or lets it wait in memory or, beyond the window, in the store alone. */
  take(outgoing: Outgoing): void {
    if (this.ready && !outgoing.waitsForStore && this.#inFlight.takes(outgoing.sequence)) {
      this.#pagedUpTo = outgoing.sequence
      this.#send(outgoing)
      return
    }
    const stored = this.#owner.journal !== undefined
    const storeOnly =
      stored &&
      (this.#pagedUpTo < this.#storedUpTo || this.#waiting.size >= this.#owner.limits.windowMessages)
    if (storeOnly) {
      this.#storedUpTo = outgoing.sequence
    } else {
      this.#waiting.push(outgoing)
      this.#pagedUpTo = outgoing.sequence
    }
    this.pump()
  }

  /**
   * Hot. Sends a message of a run that nobody stores, at QoS 1, without an object being made for it.
   *
   * @returns false when it must be taken as any other
   */
  forward(
    run: PublishRun,
    index: number,
    sequence: Sequence,
    subscriptionIdentifiers: readonly number[],
  ): boolean {
    const packetId = packetIdOf(sequence)
    if (!this.ready || !this.#inFlight.takes(sequence)) return false
    if (!this.#link.forwardOne(run, index, packetId, subscriptionIdentifiers)) return false
    this.#pagedUpTo = sequence
    this.#inFlight.add(sequence, "puback", run.queueBytes(index))
    this.#owner.sent(sequence, false)
    return true
  }

  /** Takes out the oldest message that waits in memory, unless the client may have it from an earlier connection. */
  shiftOldest(): Outgoing | undefined {
    return this.#waiting.peek()?.sentBefore === true ? undefined : this.#waiting.shift()
  }

  /** Some messages are in the store alone. While a page is being read it is not known which. */
  get leavesSomeInStore(): boolean {
    return !this.#paging && this.#pagedUpTo < this.#storedUpTo
  }

  /** Hot. Sends as long as the client takes: called when it acknowledged, can be written to, or the store answered. */
  pump(): void {
    while (this.#inFlight.size < this.#link.receiveMaximum && this.#link.takesMore) {
      const next = this.#waiting.peek()
      if (next === undefined) {
        if (this.#pagedUpTo < this.#storedUpTo) this.#page()
        return
      }
      if (next.waitsForStore) {
        this.#waitFor(next.ticket)
        return
      }
      if (!this.#inFlight.takes(next.sequence)) return
      this.#waiting.shift()
      if (next.ticket?.state === "failed") this.#owner.dropped(next, "not-stored")
      // What was on the wire in time is sent again whatever the time [MQTT-4.4.0-1], for the client may be waiting for it.
      else if (!next.sentBefore && isExpired(next.publish, this.#owner.now())) this.#drop(next, "expired")
      else this.#send(next)
      if (this.#over) return
    }
  }

  /** @returns false when no message in flight has this identifier */
  puback(packetId: PacketId): boolean {
    const sequence = this.#inFlight.find(packetId)
    if (sequence === 0 || this.#inFlight.awaits(sequence) !== "puback") return false
    this.#finish(sequence)
    return true
  }

  /**
   * The client has the message. What is left is to release its identifier.
   *
   * @returns `refused` when no PUBREL follows, `unknown` for an identifier not in flight, else what PUBREL waits for
   */
  pubrec(packetId: PacketId, reasonCode: ReasonCode): "refused" | "unknown" | Ticket | undefined {
    const sequence = this.#inFlight.find(packetId)
    if (sequence === 0 || this.#inFlight.awaits(sequence) === "puback") return "unknown"
    if (isError(reasonCode)) {
      this.#finish(sequence)
      return "refused"
    }
    this.#inFlight.received(sequence)
    return this.#owner.journal?.released(sequence)
  }

  pubcomp(packetId: PacketId): boolean {
    const sequence = this.#inFlight.find(packetId)
    if (sequence === 0 || this.#inFlight.awaits(sequence) !== "pubcomp") return false
    this.#finish(sequence)
    return true
  }

  /** The connection is gone. @returns what share groups might give to other members [4.8.2] */
  end(): Outgoing[] {
    this.#over = true
    // A message of QoS 2 that was sent is this client's alone, for it may have it.
    const orphans = [...(this.#grouped?.values() ?? [])]
    for (const outgoing of this.#waiting) {
      if (outgoing.group !== undefined) orphans.push(outgoing)
    }
    return orphans
  }

  settled(ticket: Ticket): void {
    if (this.#waitsOn === ticket) this.#waitsOn = undefined
    if (this.#over) return
    this.pump()
    if (this.ready) this.#link.caughtUp()
  }

  #waitFor(ticket: Ticket | undefined): void {
    if (ticket === undefined || this.#waitsOn === ticket) return
    this.#waitsOn = ticket
    ticket.wait(this)
  }

  #send(outgoing: Outgoing): void {
    const { sequence, qos, sentBefore } = outgoing
    const outcome = this.#link.publish(
      outgoing.publish,
      qos,
      outgoing.retain,
      sentBefore,
      outgoing.packetId,
      outgoing.subscriptionIdentifiers,
    )
    if (outcome !== "sent") return this.#drop(outgoing, outcome)
    outgoing.isSent = true
    this.#inFlight.add(sequence, qos === 1 ? "puback" : "pubrec", outgoing.size)
    if (outgoing.group !== undefined && qos === 1) {
      this.#grouped ??= new Map()
      this.#grouped.set(sequence, outgoing)
    }
    this.#owner.sent(sequence, sentBefore)
  }

  #drop(outgoing: Outgoing, why: "expired" | "too-large" | "not-authorized"): void {
    // It may have been on the wire before a crash that forgot so: its number, and so its identifier, is used up.
    this.#owner.journal?.sent(outgoing.sequence)
    this.#owner.journal?.removed(outgoing.sequence)
    this.#owner.dropped(outgoing, why)
  }

  #finish(sequence: Sequence): void {
    const bytes = this.#inFlight.remove(sequence)
    this.#grouped?.delete(sequence)
    this.#owner.acknowledged(sequence, bytes)
    this.pump()
  }

  #page(): void {
    const { journal } = this.#owner
    if (this.#paging || journal === undefined) return
    this.#paging = true
    const askedUpTo = this.#owner.lastSequence
    const limit = Math.max(1, Math.min(this.#nextPage, Math.floor(pageBytes / this.#owner.averageBytes)))
    this.#nextPage = Math.min(2 * this.#nextPage, pageMessages)
    journal
      .queue(this.#pagedUpTo, limit)
      .then((page) => {
        this.#paging = false
        if (!this.#over) this.#recall(page, page.length < limit, askedUpTo)
      })
      .catch((error: unknown) => {
        this.#paging = false
        if (!this.#over) this.#owner.failed(error)
      })
  }

  #recall(page: readonly RecalledMessage[], isLast: boolean, askedUpTo: Sequence): void {
    for (const recalled of page) {
      const outgoing = new Outgoing(
        recalled.sequence,
        recalled.publish,
        recalled.qos,
        recalled.retain,
        recalled.subscriptionIdentifiers,
        undefined,
      )
      outgoing.sentBefore = recalled.sentBefore
      this.#pagedUpTo = recalled.sequence
      if (!recalled.released) {
        this.#waiting.push(outgoing)
        continue
      }
      this.#inFlight.add(outgoing.sequence, "pubcomp", outgoing.size)
      this.#link.pubrel(outgoing.packetId)
    }
    if (isLast) this.#pagedUpTo = Math.max(this.#pagedUpTo, askedUpTo)
    // A page that is full to its last place may be the last one all the same.
    if (this.#pagedUpTo >= this.#storedUpTo) this.#count()
    this.pump()
    if (this.ready) this.#link.caughtUp()
  }

  /** What was refused by a failing store, or damaged in it, was counted but never came back. */
  #count(): void {
    let messages = this.#inFlight.size
    let bytes = this.#inFlight.totalBytes
    let sent = this.#inFlight.size
    for (const outgoing of this.#waiting) {
      messages += 1
      bytes += outgoing.size
      if (outgoing.sentBefore) sent += 1
    }
    this.#owner.counted(messages, bytes, sent)
  }
}
