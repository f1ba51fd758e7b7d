import type { Counters, DropReason } from "../foundation/counters.ts"
import type { Ticket } from "../foundation/ticket.ts"
import type { ClientId, PacketId, Qos } from "../protocol/packet.ts"
import type { TopicName } from "../protocol/topic.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import {
  deliverEach,
  type DeliveryTerms,
  type Redelivery,
  type Subscriber,
  type Subscription,
} from "../routing/subscriber.ts"
import type { Sequence, SessionJournal, SessionRecord, StoredSession } from "../storage/store.ts"
import { Conversation, type ConversationOwner } from "./conversation.ts"
import type { Link } from "./link.ts"
import { Outgoing } from "./outgoing.ts"
import { ReceivedIdentifiers } from "./received-identifiers.ts"
import { SessionSubscriptions } from "./session-subscriptions.ts"
import type { SessionLimits } from "./session-limits.ts"
import { Undecided, type UndecidedOwner } from "./undecided.ts"

/** What a session tells whoever keeps it. */
export interface SessionObserver {
  dropped(session: Session, publish: SharedPublish, why: DropReason): void
  /**
   * The same for several at once, or for what only the store has.
   *
   * @param topic undefined: not known, or several
   */
  droppedSome(
    session: Session,
    why: DropReason,
    topic: TopicName | undefined,
    messages: number,
    bytes: number,
  ): void
  /** Its queue has passed four fifths of a bound. Not told again before it was below one half of both. */
  queueFilling(session: Session): void
  /** Its queue could not be read back. */
  unreadable(session: Session, error: unknown): void
}

/** A queue fills up beyond the one, of what its bounds allow, and has calmed down below the other. */
const fillingShare = 0.8
const calmShare = 0.5

/** What all sessions of a broker have in common. */
export interface SessionSurroundings {
  readonly limits: SessionLimits
  readonly observer: SessionObserver
  readonly counters: Counters
  /** Nothing can be stored at the moment, and what is to be is refused. */
  readonly storeFails: boolean
  now(): number
}

/**
 * What outlives a connection [4.1]: subscriptions, messages not yet acknowledged, and QoS 2 identifiers received and
 * not released. While its client is away it is a few counters; the messages are in the store.
 */
export class Session implements Subscriber, ConversationOwner, UndecidedOwner {
  readonly subscriptions = new SessionSubscriptions()
  /** What its client publishes at QoS 2 and has not released. */
  readonly received: ReceivedIdentifiers
  readonly #surroundings: SessionSurroundings
  readonly #journal: SessionJournal | undefined
  #record: SessionRecord
  #conversation: Conversation | undefined
  /** Messages that another member of their share group has, once the store says so. */
  #passedOn: Set<Outgoing> | undefined
  /** What the latest batch has of messages that came while its client was away. */
  #undecided: Undecided | undefined
  #lastSequence = 0
  /** Highest sequence that was on the wire; messages go out in order, so all that is beyond never was. */
  #sentUpTo = 0
  /** Messages of the queue that were on the wire: the client's to answer, so none of them is dropped. */
  #sentMessages = 0
  #queuedMessages = 0
  #queuedBytes = 0
  /** It was told that the queue fills up. */
  #isFilling = false
  /** It has ended, and some of its subscriptions may still stand in the tree. */
  #isOver = false

  /** @param journal undefined when the session ends with its connection, so that nothing of it is stored */
  constructor(
    surroundings: SessionSurroundings,
    record: SessionRecord,
    journal: SessionJournal | undefined,
    stored?: StoredSession,
  ) {
    this.#surroundings = surroundings
    this.#record = record
    this.#journal = journal
    this.received = new ReceivedIdentifiers(journal, stored?.awaitingRelease ?? [])
    if (stored === undefined) return
    this.#lastSequence = stored.lastSequence
    this.#sentUpTo = stored.sentUpTo
    this.#sentMessages = stored.sentMessages
    this.#count(stored.queuedMessages, stored.queuedBytes)
  }

  get clientId(): ClientId {
    return this.#record.clientId
  }

  get record(): SessionRecord {
    return this.#record
  }

  get journal(): SessionJournal | undefined {
    return this.#journal
  }

  get limits(): SessionLimits {
    return this.#surroundings.limits
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get link(): Link | undefined {
    return this.#conversation?.link
  }

  get present(): boolean {
    return this.#conversation !== undefined
  }

  get ready(): boolean {
    return this.#conversation?.ready === true && this.#queuedMessages < this.limits.queuedMessages
  }

  /** Of a client that is not there nobody knows what it may; one that does not come back has no use for anything. */
  mayRead(topic: TopicName): boolean {
    return this.link === undefined ? !this.#isOver : this.link.mayRead(topic)
  }

  get load(): number {
    return this.#queuedMessages
  }

  /** Of these, how many were sent in this connection and wait for an answer. */
  get inFlight(): number {
    return this.#conversation?.inFlight ?? 0
  }

  /** Topics, payloads and properties of the messages in its queue. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get averageBytes(): number {
    return Math.max(1, this.#queuedBytes / Math.max(1, this.#queuedMessages))
  }

  now(): number {
    return this.#surroundings.now()
  }

  /**
   * Changes the record for a new connection, in the store too.
   *
   * @returns what its CONNACK waits for, undefined without a store
   */
  update(change: Partial<SessionRecord>): Ticket | undefined {
    this.#record = { ...this.#record, ...change }
    return this.#journal?.updated(this.#record)
  }

  /** Changes the record, in the store as soon as that can write: for what has happened, so that it cannot be refused. */
  note(change: Partial<SessionRecord>): void {
    this.#record = { ...this.#record, ...change }
    this.#journal?.noted(this.#record)
  }

  // --- what it receives as a subscriber ---

  deliver(publish: SharedPublish, terms: DeliveryTerms, group: Redelivery | undefined): Ticket | undefined {
    const qos = publish.qos < terms.qos ? publish.qos : terms.qos
    const retain = terms.retainAsPublished && publish.message.retain
    return this.#give(publish, qos, retain, terms.subscriptionIdentifiers, group)
  }

  /** A retained message for a new subscription goes out with RETAIN set [MQTT-3.3.1-8]. */
  deliverRetained(publish: SharedPublish, terms: DeliveryTerms): Ticket | undefined {
    const qos = publish.qos < terms.qos ? publish.qos : terms.qos
    return this.#give(publish, qos, true, terms.subscriptionIdentifiers, undefined)
  }

  deliverRun(
    run: PublishRun,
    from: number,
    to: number,
    step: number,
    terms: DeliveryTerms,
    group: Redelivery | undefined,
  ): Ticket | undefined {
    if (run.qos === 0 || terms.qos === 0) {
      const link = this.#conversation?.link
      if (link?.takesMore !== true) {
        this.#missesRun(run, from, to, step, link === undefined ? "absent" : "slow-receiver")
        return undefined
      }
      if (link.forward(run, from, to, step, terms.subscriptionIdentifiers)) return undefined
      return deliverEach(this, run, from, to, step, terms, group)
    }
    let ticket: Ticket | undefined
    for (let index = from; index < to; index += step) {
      if (group === undefined && this.#forward(run, index, terms)) continue
      ticket = this.deliver(run.publish(index), terms, group) ?? ticket
    }
    return ticket
  }

  get isStored(): boolean {
    return this.#journal !== undefined
  }

  refuses({ qos, queueBytes }: SharedPublish): boolean {
    if (qos === 0 || this.limits.whenFull !== "reject" || this.#isOver) return false
    return !this.#hasRoomFor(queueBytes)
  }

  // --- its connection ---

  /** From here on messages go to this link, beginning with those that an earlier one left [4.4]. */
  attach(link: Link): void {
    this.#passedOn = undefined
    this.#conversation = new Conversation(this, link, this.#queuedMessages > 0 && this.#journal !== undefined)
    this.#conversation.start()
  }

  /** The connection is gone. Messages of a share group go to its other members, where one can take them. */
  detach(): void {
    const conversation = this.#conversation
    if (conversation === undefined) return
    this.#conversation = undefined
    for (const outgoing of conversation.end()) this.#passOn(outgoing)
  }

  /** The session is over, and what still waited with it. @returns what the end waits for in the store */
  end(why: "session-ended" | "session-expired"): Ticket | undefined {
    this.#isOver = true
    this.#passedOn = undefined
    this.subscriptions.clear()
    const unsent = this.#queuedMessages - this.#sentMessages
    if (unsent > 0) {
      // Of what was sent nobody wrote down how much it was.
      const bytes = Math.round(this.#queuedBytes * (unsent / this.#queuedMessages))
      this.#surroundings.observer.droppedSome(this, why, undefined, unsent, bytes)
    }
    this.#count(-this.#queuedMessages, -this.#queuedBytes)
    return this.#journal?.ended()
  }

  /** The link can be written to again. */
  writable(): void {
    this.#conversation?.pump()
  }

  /** @returns false when no message in flight has this identifier */
  puback(packetId: PacketId): boolean {
    return this.#conversation?.puback(packetId) ?? false
  }

  pubrec(packetId: PacketId, reasonCode: ReasonCode): ReturnType<Conversation["pubrec"]> {
    const conversation = this.#conversation
    return conversation === undefined ? "unknown" : conversation.pubrec(packetId, reasonCode)
  }

  pubcomp(packetId: PacketId): boolean {
    return this.#conversation?.pubcomp(packetId) ?? false
  }

  // --- its subscriptions; the tree is the broker's ---

  /** @returns what SUBACK waits for */
  subscribed(subscription: Subscription): Ticket | undefined {
    this.subscriptions.put(subscription)
    const { filter, shareName, qos, noLocal, retainAsPublished, retainHandling } = subscription
    const [subscriptionIdentifier = 0] = subscription.subscriptionIdentifiers
    return this.#journal?.subscribed({
      filter,
      shareName,
      qos,
      noLocal,
      retainAsPublished,
      retainHandling,
      subscriptionIdentifier,
    })
  }

  /** @returns what UNSUBACK waits for */
  unsubscribed(subscription: Subscription): Ticket | undefined {
    this.subscriptions.delete(subscription)
    return this.#journal?.unsubscribed(subscription.filter, subscription.shareName)
  }

  /**
   * Gives a message of a share group to another member. What the store keeps for this one it gives up only when the
   * store has it for the other, and only at QoS 1: in between both may have it.
   */
  #passOn(outgoing: Outgoing): void {
    // The publisher of a message that was not stored was told so, and publishes it again.
    if (outgoing.ticket?.state === "failed") return
    if (this.#journal !== undefined && outgoing.qos === 2) return
    const taken = outgoing.group?.redeliver(outgoing.publish, this)
    if (outgoing.group === undefined || taken === "nobody") return
    this.#passedOn ??= new Set()
    this.#passedOn.add(outgoing)
    if (taken?.state === "pending") {
      taken.wait({ settled: ({ state }) => this.#settlePassedOn(outgoing, state === "committed") })
    } else {
      this.#settlePassedOn(outgoing, true)
    }
  }

  #settlePassedOn(outgoing: Outgoing, isTaken: boolean): void {
    // Forgotten when the client came back meanwhile: it is given the message again.
    if (this.#passedOn?.delete(outgoing) !== true || !isTaken) return
    if (outgoing.sentBefore || outgoing.isSent) this.acknowledged(outgoing.sequence, outgoing.size)
    else {
      this.#journal?.removed(outgoing.sequence)
      this.#count(-1, -outgoing.size)
    }
  }

  /** Nobody else looks what becomes of messages for a client that is away. */
  decided(undecided: Undecided, isStored: boolean): void {
    if (this.#undecided === undecided) this.#undecided = undefined
    if (isStored || this.#isOver) return
    const { messages, bytes, grownByMessages, grownByBytes } = undecided
    this.#count(-grownByMessages, -grownByBytes)
    this.#surroundings.observer.droppedSome(this, "not-stored", undefined, messages, bytes)
  }

  // --- what its conversation tells it ---

  sent(sequence: Sequence, sentBefore: boolean): void {
    this.#journal?.sent(sequence)
    if (sentBefore) return
    this.#sentUpTo = sequence
    this.#sentMessages += 1
  }

  acknowledged(sequence: Sequence, bytes: number): void {
    this.#journal?.removed(sequence)
    this.#sentMessages -= 1
    this.#count(-1, -bytes)
  }

  dropped(outgoing: Outgoing, why: DropReason): void {
    if (outgoing.sentBefore) this.#sentMessages -= 1
    this.#count(-1, -outgoing.size)
    this.#surroundings.observer.dropped(this, outgoing.publish, why)
  }

  counted(messages: number, bytes: number, sent: number): void {
    const missing = this.#queuedMessages - messages
    if (missing > 0) {
      const missingBytes = Math.max(0, this.#queuedBytes - bytes)
      this.#surroundings.observer.droppedSome(this, "not-stored", undefined, missing, missingBytes)
    }
    this.#count(-missing, bytes - this.#queuedBytes)
    this.#sentMessages = sent
  }

  failed(error: unknown): void {
    this.#surroundings.observer.unreadable(this, error)
    this.link?.close(ReasonCode.unspecifiedError)
  }

  /** Hot. The one way in for every message, live, retained, redelivered or will. */
  #give(
    publish: SharedPublish,
    qos: Qos,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
    group: Redelivery | undefined,
  ): Ticket | undefined {
    if (qos === 0) {
      this.#giveNow(publish, retain, subscriptionIdentifiers)
      return undefined
    }
    const messagesBefore = this.#queuedMessages
    const bytesBefore = this.#queuedBytes
    if (this.#isOver || !this.#makeRoomFor(publish)) return undefined
    const sequence = this.#lastSequence + 1
    const outgoing = new Outgoing(sequence, publish, qos, retain, subscriptionIdentifiers, group)
    const ticket = this.#journal?.enqueued(outgoing)
    if (ticket?.state === "failed") {
      this.#surroundings.observer.dropped(this, publish, "not-stored")
      return ticket
    }
    this.#lastSequence = sequence
    outgoing.ticket = ticket
    this.#count(1, outgoing.size)
    if (this.#conversation !== undefined) this.#conversation.take(outgoing)
    else if (ticket?.state === "pending") {
      const undecided = this.#undecidedOf(ticket)
      undecided.messages += 1
      undecided.bytes += outgoing.size
      undecided.grownByMessages += this.#queuedMessages - messagesBefore
      undecided.grownByBytes += this.#queuedBytes - bytesBefore
    }
    return ticket
  }

  #undecidedOf(ticket: Ticket): Undecided {
    if (this.#undecided?.ticket !== ticket) this.#undecided = new Undecided(ticket, this)
    return this.#undecided
  }

  /** Hot. Sends a message at QoS 1 that is not stored and need not wait. @returns false when it must be given as any other */
  #forward(run: PublishRun, index: number, terms: DeliveryTerms): boolean {
    const conversation = this.#conversation
    if (conversation === undefined || this.#journal !== undefined) return false
    const bytes = run.queueBytes(index)
    if (!this.#hasRoomFor(bytes)) return false
    const sequence = this.#lastSequence + 1
    if (!conversation.forward(run, index, sequence, terms.subscriptionIdentifiers)) return false
    this.#lastSequence = sequence
    this.#count(1, bytes)
    return true
  }

  /** QoS 0 is for now or never: an absent client misses it [4.3.1], a slow one too, and that is counted. */
  #giveNow(publish: SharedPublish, retain: boolean, subscriptionIdentifiers: readonly number[]): void {
    const link = this.#conversation?.link
    if (link === undefined) {
      if (!this.#isOver) this.#surroundings.observer.dropped(this, publish, "absent")
      return
    }
    const outcome = link.takesMore
      ? link.publish(publish, 0, retain, false, undefined, subscriptionIdentifiers)
      : "slow-receiver"
    if (outcome !== "sent") this.#surroundings.observer.dropped(this, publish, outcome)
  }

  /** Hot. The same for a run, of which no message is made only to be thrown away. */
  #missesRun(run: PublishRun, from: number, to: number, step: number, why: "absent" | "slow-receiver"): void {
    if (this.#isOver) return
    const messages = Math.ceil((to - from) / step)
    const bytes = run.queueBytesOf(from, to, step)
    this.#surroundings.observer.droppedSome(this, why, run.topic?.name, messages, bytes)
  }

  #count(messages: number, bytes: number): void {
    this.#queuedMessages += messages
    this.#queuedBytes += bytes
    this.#surroundings.counters.messagesQueued += messages
    this.#surroundings.counters.bytesQueued += bytes
    if (this.#isFilling) this.#isFilling = !this.#isBelow(calmShare)
    else if (messages > 0 && this.#isBeyond(fillingShare)) {
      this.#isFilling = true
      this.#surroundings.observer.queueFilling(this)
    }
  }

  #isBelow(share: number): boolean {
    const { queuedMessages, queuedBytes } = this.limits
    return this.#queuedMessages < share * queuedMessages && this.#queuedBytes < share * queuedBytes
  }

  /** Of messages or of bytes there are more than this share of what may be. */
  #isBeyond(share: number): boolean {
    const { queuedMessages, queuedBytes } = this.limits
    return this.#queuedMessages > share * queuedMessages || this.#queuedBytes > share * queuedBytes
  }

  #hasRoomFor(bytes: number): boolean {
    const { queuedMessages, queuedBytes } = this.limits
    return this.#queuedMessages < queuedMessages && this.#queuedBytes + bytes <= queuedBytes
  }

  #makeRoomFor(publish: SharedPublish): boolean {
    const bytes = publish.queueBytes
    if (this.#hasRoomFor(bytes)) return true
    // What is going to be refused takes nobody's place.
    if (this.#journal !== undefined && this.#surroundings.storeFails) return true
    const canFit = bytes <= this.limits.queuedBytes
    if (canFit && this.limits.whenFull === "drop-oldest") {
      while (this.#queuedMessages > 0 && !this.#hasRoomFor(bytes)) {
        if (!this.#dropOldest()) break
      }
      if (this.#hasRoomFor(bytes)) return true
    }
    this.#surroundings.observer.dropped(this, publish, "queue-full")
    return false
  }

  /** @returns false when there is none but what was sent, and so is the client's to answer */
  #dropOldest(): boolean {
    const conversation = this.#conversation
    const oldest = conversation?.shiftOldest()
    if (oldest !== undefined) {
      this.#journal?.removed(oldest.sequence)
      this.dropped(oldest, "queue-full")
      return true
    }
    if (this.#journal === undefined || this.#queuedMessages <= this.#sentMessages) return false
    if (conversation?.leavesSomeInStore === false) return false
    this.#journal.removedOldest(Math.max(this.#sentUpTo, conversation?.pagedUpTo ?? 0))
    // Which message that was only the store knows, so its size is taken for the average until the queue is read.
    const bytes = Math.round(this.#queuedBytes / this.#queuedMessages)
    this.#count(-1, -bytes)
    this.#surroundings.observer.droppedSome(this, "queue-full", undefined, 1, bytes)
    return true
  }
}
