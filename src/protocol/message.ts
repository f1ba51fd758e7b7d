import type { ClientId, Qos } from "./packet.ts"
import type { TopicName } from "./topic.ts"

/** Where a message entered this broker. */
export type Origin = "client" | "will" | "broker"

/** Who published: shared by all messages of one connection. */
export interface Publisher {
  readonly origin: Origin
  /** Empty for the broker itself. */
  readonly clientId: ClientId | ""
  readonly username: string | undefined
  /** Where it was connected from. Missing in what the store has given back. */
  readonly remoteAddress?: string
}

/** A topic name and its UTF-8 bytes, made together once so that no fan-out encodes it again. */
export interface Topic {
  readonly name: TopicName
  readonly utf8: Uint8Array
}

/**
 * An application message: what is left when PUBLISH is peeled off. Immutable and complete: whoever holds one
 * may keep it, queue it, store it or send it on without asking where it came from. Its bytes are its own,
 * never a view of a network buffer.
 */
export interface Message {
  readonly topic: Topic
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  /**
   * The MQTT 5 properties that travel with the message unchanged, checked, in their order, as they stand on the
   * wire: payload format, content type, response topic, correlation data, user properties [3.3.2.3].
   */
  readonly properties: Uint8Array
  /** Absolute; Infinity when it never expires [3.3.2.3.3]. */
  readonly expiresAtMs: number
  readonly publisher: Publisher
  readonly receivedAtMs: number
  /** Tells messages of one millisecond apart; wraps at 2^32. */
  readonly counter: number
  /** How often it was published anew on its way, by a rule or a bridge. */
  readonly hops: number
}

export const noBytes = new Uint8Array(0)

/** Topic, payload and properties: what a message counts for, retained or in what waits for the disk. */
export function messageBytes({ topic, payload, properties }: Message): number {
  return topic.utf8.length + payload.length + properties.length
}

export function topicOf(name: TopicName): Topic {
  return { name, utf8: Buffer.from(name) }
}

let counter = Math.floor(Math.random() * 0x1_0000_0000)

/** The next message counter of this process. */
export function nextMessageCounter(): number {
  counter = (counter + 1) >>> 0
  return counter
}

type Expiring = Pick<Message, "expiresAtMs">

/** Seconds left to live, rounded up, as a Message Expiry Interval counts them: not below 0; Infinity for no expiry. */
export function secondsLeft(message: Expiring, nowMs: number): number {
  return message.expiresAtMs === Number.POSITIVE_INFINITY
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Math.ceil((message.expiresAtMs - nowMs) / 1000))
}

export function isExpired(message: Expiring, nowMs: number): boolean {
  return message.expiresAtMs <= nowMs
}
