import type { Ticket } from "../foundation/ticket.ts"
import type { Message } from "../protocol/message.ts"
import type { MessageRecord } from "../protocol/message-record.ts"
import type { ClientId, PacketId, Qos, RetainHandling } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { ShareName, TopicFilter, TopicName } from "../protocol/topic.ts"
import type { AccountStore } from "./account-store.ts"
import type { DropStore } from "./drop-store.ts"

/** Number of a message in the queue of one session: increases, not necessarily by one. */
export type Sequence = number

/** A message as one session's queue holds it: what the subscriptions it came by added. */
export interface QueuedMessage {
  readonly sequence: Sequence
  readonly publish: SharedPublish
  /** The lower of the message's QoS and the subscription's [3.8.4]. */
  readonly qos: Exclude<Qos, 0>
  /** The RETAIN flag to send it with [3.3.1.3]. */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
}

/** A queued message as it comes back from the store. */
export interface RecalledMessage extends QueuedMessage {
  /** It may have been on the wire before, so it goes out with DUP [3.3.1.1]. */
  readonly sentBefore: boolean
  /** QoS 2 whose PUBREC was received: only PUBREL and PUBCOMP are left, the message itself may be gone. */
  readonly released: boolean
}

export interface StoredSubscription {
  readonly filter: TopicFilter
  readonly shareName: ShareName | undefined
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: RetainHandling
  /** 0 when the subscription has none. */
  readonly subscriptionIdentifier: number
}

export interface StoredWill {
  /** Complete but for the times, which count from the moment of its publication. */
  readonly message: Message
  readonly delaySeconds: number
  /** 0 when the will message never expires. */
  readonly messageExpirySeconds: number
}

/** What is known of a session without its messages. */
export interface SessionRecord {
  readonly clientId: ClientId
  /** The identity that made the session: only it may resume, take over or end it. Undefined: anonymous. */
  readonly username: string | undefined
  /** By the wall. */
  readonly createdAtMs: number
  /** 0xFFFFFFFF: never. Counts from the end of the connection [3.1.2.11.2]. */
  readonly expiryIntervalSeconds: number
  /** When its last connection ended, by `Clock.now`; undefined while it is connected, or was when the process died. */
  readonly disconnectedAtMs: number | undefined
  /** Published when the session's connection ends badly, or waiting out its delay. */
  readonly will: StoredWill | undefined
}

/** A session as the store gives it back at start. */
export interface StoredSession {
  readonly record: SessionRecord
  readonly journal: SessionJournal
  readonly subscriptions: readonly StoredSubscription[]
  /** Received at QoS 2 and not yet released [4.3.3]. */
  readonly awaitingRelease: readonly PacketId[]
  /** How many messages wait in its queue, in-flight ones included, and their bytes. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** So many of them have been on the wire: they are the client's to answer, and not to be dropped. */
  readonly sentMessages: number
  /** Highest sequence that has been on the wire; 0 when there was none. */
  readonly sentUpTo: Sequence
  /** Highest sequence that is in its queue or was sent from it; 0 when there was none. */
  readonly lastSequence: Sequence
}

/**
 * One session's line to the store. The store is told and seldom asked. All that is told between two turns of the
 * event loop is kept together or not at all, in the order in which it was told.
 *
 * With a ticket, the caller waits before it acknowledges; the others may be written whenever it suits: lost, they
 * cost at worst that a message is sent again.
 */
export interface SessionJournal {
  /** Before PUBACK or PUBREC of the publisher. */
  enqueued(queued: QueuedMessage): Ticket | undefined
  /** All up to here have been on the wire. Lazy: decides about DUP after a crash, and about what may be dropped. */
  sent(upTo: Sequence): void
  /** The subscriber has it for good, or it was dropped: it leaves the queue. Lazy. */
  removed(sequence: Sequence): void
  /** The queue is full: its oldest message beyond this sequence that was never sent leaves it. Lazy. */
  removedOldest(beyond: Sequence): void
  /** PUBREC came for this QoS 2 message: before its PUBREL, for otherwise a crash would send it twice. */
  released(sequence: Sequence): Ticket | undefined
  /** Inbound QoS 2 identifier taken: before PUBREC. */
  identifierKept(packetId: PacketId): Ticket | undefined
  /** Inbound QoS 2 identifier free again: before PUBCOMP. Never fails, waits until it can be written. */
  identifierReleased(packetId: PacketId): Ticket | undefined
  /** Before SUBACK. Replaces a subscription with the same filter and share name. */
  subscribed(subscription: StoredSubscription): Ticket | undefined
  /** Before UNSUBACK. Never fails, waits until it can be written. */
  unsubscribed(filter: TopicFilter, shareName: ShareName | undefined): Ticket | undefined
  /** A new connection, with its expiry and its will: before CONNACK. */
  updated(record: SessionRecord): Ticket | undefined
  /**
   * What nobody waits for: the end of a connection, a will that is done. Never fails, waits until it can be written; of
   * several that wait the last one counts.
   */
  noted(record: SessionRecord): void
  /** The session is over: nothing of it remains. Never fails, waits until it can be written. */
  ended(): Ticket | undefined
  /**
   * Reads the queue in order of sequence, all that was told before this call included.
   *
   * @param after reads only what is beyond it; 0 reads from the start
   * @param limit at most so many; fewer come only where the queue ends
   * @throws StoreError it cannot be read
   */
  queue(after: Sequence, limit: number): Promise<readonly RecalledMessage[]>
}

/**
 * healthy: commits flow. behind: more is waiting than should; publishers are to be slowed. failed: nothing can be
 * written (disk full, I/O error); new promises are refused, and the store keeps trying until it can again. lost: it
 * is gone for good, and whoever serves from it has to stop.
 */
export type StoreMood = "healthy" | "behind" | "failed" | "lost"

export interface Store {
  /** Called on each change of mood, with what is wrong in the case of `failed` and `lost`. */
  onMood(listener: (mood: StoreMood, why: string) => void): void
  readonly mood: StoreMood
  /** Everything at rest, read once at start, before anything is told. @throws StoreError it cannot be read */
  sessions(): AsyncIterable<StoredSession>
  /** Some at a time. */
  retained(): AsyncIterable<readonly MessageRecord[]>
  /**
   * Opens the line of a new session and writes its record, its ticket being due before CONNACK. Should that fail,
   * so will every promise to this journal: make another one.
   */
  create(record: SessionRecord): { readonly journal: SessionJournal; readonly ticket: Ticket | undefined }
  /** The message becomes its topic's retained message. */
  retain(message: Message): Ticket | undefined
  /** The topic has no retained message any more. */
  unretain(topic: TopicName): Ticket | undefined
  readonly accounts: AccountStore
  readonly drops: DropStore
  /** Calls when accounts may have changed, by whichever process: at once, or within a tenth of a second. */
  onAccountsChanged(listener: () => void): void
  /** Writes what waits, then lets go of everything. */
  close(): Promise<void>
}
