import type { Message } from "../../protocol/message.ts"
import type { PacketId } from "../../protocol/packet.ts"
import type { TopicName } from "../../protocol/topic.ts"
import type { QueuedMessage, Sequence, SessionRecord, StoredSubscription } from "../store.ts"

/** Number of a session within one database: increases, and no other session gets it again. */
export type SessionNumber = number

/** A message for one session's queue. Struck: it was removed before it was written, so it need not be. */
export interface Enqueued {
  readonly op: "enqueued"
  readonly session: SessionNumber
  readonly queued: QueuedMessage
  /** It has been on the wire while it waited. */
  sent: boolean
  struck: boolean
}

/** A topic's retained message, or its end; a later one of the same batch takes its place. */
export interface Retained {
  readonly op: "retained"
  readonly topic: TopicName
  message: Message | undefined
}

/** What a session is by now; a later one of the same batch takes its place. */
export interface Noted {
  readonly op: "noted"
  readonly session: SessionNumber
  record: SessionRecord
}

/** How far one session's receiver has come; grows while its batch gathers. */
export interface Progressed {
  readonly op: "progressed"
  readonly session: SessionNumber
  /** 0 when nothing was sent. */
  sentUpTo: Sequence
  readonly removed: Sequence[]
}

/** The oldest messages of a queue leave it, as many as are counted while the batch gathers. */
export interface RemovedOldest {
  readonly op: "removedOldest"
  readonly session: SessionNumber
  readonly beyond: Sequence
  count: number
}

/** What the store is told, as it waits to be written. */
export type Operation =
  | { readonly op: "created"; readonly session: SessionNumber; readonly record: SessionRecord }
  | { readonly op: "updated"; readonly session: SessionNumber; readonly record: SessionRecord }
  | { readonly op: "ended"; readonly session: SessionNumber }
  | { readonly op: "subscribed"; readonly session: SessionNumber; readonly subscription: StoredSubscription }
  | { readonly op: "unsubscribed"; readonly session: SessionNumber; readonly filter: string }
  | { readonly op: "identifierKept"; readonly session: SessionNumber; readonly packetId: PacketId }
  | { readonly op: "identifierReleased"; readonly session: SessionNumber; readonly packetId: PacketId }
  | { readonly op: "released"; readonly session: SessionNumber; readonly sequence: Sequence }
  | Enqueued
  | Noted
  | Progressed
  | RemovedOldest
  | Retained

/** One that stays as it was told. */
export type PlainOperation = Exclude<Operation, Enqueued | Noted | Progressed | RemovedOldest | Retained>

/**
 * What becomes of an operation whose batch cannot be written. Dropped: it was promised to nobody yet, and its
 * ticket says so. Carried over: it takes something away, or tells of what has happened to a session, and the store must
 * not forget that.
 */
export const uponFailure = {
  created: "dropped",
  updated: "dropped",
  subscribed: "dropped",
  identifierKept: "dropped",
  released: "dropped",
  enqueued: "dropped",
  // The queue stays longer than it should, which is better than to lose yet another message.
  removedOldest: "dropped",
  retained: "dropped",
  ended: "carried over",
  unsubscribed: "carried over",
  identifierReleased: "carried over",
  // A will that is done would be published by the next start.
  noted: "carried over",
  progressed: "carried over",
} as const satisfies Record<Operation["op"], "dropped" | "carried over">
