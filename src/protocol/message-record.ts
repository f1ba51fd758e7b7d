import type { Brand } from "../foundation/brand.ts"
import type { Message, Origin, Publisher } from "./message.ts"
import { noBytes } from "./message.ts"
import type { ClientId, Qos } from "./packet.ts"
import type { TopicName } from "./topic.ts"
import { decodeUtf8 } from "./utf8.ts"

/*
 * A whole message as one run of bytes, numbers little-endian:
 *
 *   0 for a checksum 4 · form 1 · QoS and RETAIN 1 · hops 4 · counter 4 · receivedAtMs 8 · expiresAtMs 8
 *   topic · properties · publisher     each with its length in 4 bytes in front
 *   payload                            to the end
 *
 * For whoever keeps messages by the million: one object for the garbage collector where a Message is ten, and a
 * quarter of the memory (bench:scale memory). What is taken out of it is copied with `slice`: a `subarray` would make
 * the engine move the record into an ArrayBuffer of its own, at twice its size.
 */
export type MessageRecord = Brand<Uint8Array, "MessageRecord">

/** What tells this layout from any other; it also stands on disks. */
export const recordForm = 1
/** Each is written as its place here; it also stands on disks, so a new one goes to the end. */
export const writtenOrigins = ["client", "will", "broker"] as const satisfies readonly Origin[]
const topicAt = 30
/** Where the topic of every record begins. */
export const topicStart = topicAt + 4

/** The message's record, a copy of all its bytes. */
export function recordOf(message: Message): MessageRecord {
  const { topic, properties, payload } = message
  const publisher = publisherBytes(message.publisher)
  const length = topicAt + 12 + topic.utf8.length + properties.length + publisher.length + payload.length
  const record = new Uint8Array(length)
  record[4] = recordForm
  record[5] = message.qos | (message.retain ? 4 : 0)
  writeFour(record, 6, message.hops)
  writeFour(record, 10, message.counter)
  writeEight(record, 14, message.receivedAtMs)
  writeEight(record, 22, message.expiresAtMs)
  let at = writeSized(record, topicAt, topic.utf8)
  at = writeSized(record, at, properties)
  at = writeSized(record, at, publisher)
  record.set(payload, at)
  return record as MessageRecord
}

/**
 * Takes bytes for a record that came from somewhere else than `recordOf`, such as a disk.
 *
 * @param bytes they are the record from then on
 * @returns undefined when they say what no message of ours can say
 */
export function parseRecord(bytes: Uint8Array): MessageRecord | undefined {
  if (bytes.length < topicAt + 12 || bytes[4] !== recordForm || ((bytes[5] ?? 0) & 3) === 3) return undefined
  let at = topicAt
  for (let field = 0; field < 3; field++) {
    at += 4 + readFour(bytes, at)
    if (at > bytes.length - 4 * (2 - field)) return undefined
  }
  const record = bytes as MessageRecord
  return hasTopicName(record) ? record : undefined
}

export function qosOf(record: MessageRecord): Qos {
  return ((record[5] ?? 0) & 3) as Qos
}

export function expiryOf(record: MessageRecord): number {
  // Most never expire, and Infinity is known by its two highest bytes (bench row retained).
  const isInfinite = record[29] === 0x7f && record[28] === 0xf0
  return isInfinite ? Number.POSITIVE_INFINITY : readEight(record, 22)
}

/** When the message was received. */
function receiptOf(record: MessageRecord): number {
  return readEight(record, 14)
}

export function topicBytesOf(record: MessageRecord): number {
  return readFour(record, topicAt)
}

export function propertiesBytesOf(record: MessageRecord, topicBytes = topicBytesOf(record)): number {
  return readFour(record, topicStart + topicBytes)
}

export function propertiesStartOf(topicBytes: number): number {
  return topicStart + topicBytes + 4
}

/** The payload goes on to the end. */
export function payloadStartOf(
  record: MessageRecord,
  topicBytes = topicBytesOf(record),
  propertiesBytes = propertiesBytesOf(record, topicBytes),
): number {
  const publisherAt = propertiesStartOf(topicBytes) + propertiesBytes
  return publisherAt + 4 + readFour(record, publisherAt)
}

/** Topic, payload and properties of a record's message in bytes. */
export function contentBytesOf(record: MessageRecord): number {
  return topicBytesOf(record) + propertiesBytesOf(record) + record.length - payloadStartOf(record)
}

export function topicNameOf(record: MessageRecord): TopicName {
  return nameOf(record.slice(topicStart, topicStart + topicBytesOf(record)))
}

/** What is known of a message without its content. */
export interface MessageOutline extends Pick<Message, "qos" | "publisher" | "receivedAtMs" | "expiresAtMs"> {
  readonly topic: TopicName
  readonly payloadBytes: number
}

/** Makes messages of records again; those in a row that have one publisher share it. */
export class MessageUnpacker {
  #publisher: Publisher | undefined
  #publisherBytes: Uint8Array = noBytes

  /** Hot. The message that `recordOf` was given, or its equal. */
  unpack(record: MessageRecord): Message {
    const propertiesStart = propertiesStartOf(topicBytesOf(record))
    const publisherAt = propertiesStart + propertiesBytesOf(record)
    const payloadStart = payloadStartOf(record)
    const utf8 = record.slice(topicStart, topicStart + topicBytesOf(record))
    return {
      topic: { name: nameOf(utf8), utf8 },
      payload: record.slice(payloadStart),
      qos: qosOf(record),
      retain: ((record[5] ?? 0) & 4) !== 0,
      properties: propertiesStart === publisherAt ? noBytes : record.slice(propertiesStart, publisherAt),
      expiresAtMs: expiryOf(record),
      publisher: this.#publisherOf(record, publisherAt + 4, payloadStart),
      receivedAtMs: receiptOf(record),
      counter: readFour(record, 10),
      hops: readFour(record, 6),
    }
  }

  /** What stands around its payload and properties, for whoever lists messages: those may be large, and stay where they are. */
  outline(record: MessageRecord): MessageOutline {
    const topicBytes = topicBytesOf(record)
    const propertiesBytes = propertiesBytesOf(record, topicBytes)
    const payloadStart = payloadStartOf(record, topicBytes, propertiesBytes)
    const publisherStart = propertiesStartOf(topicBytes) + propertiesBytes + 4
    return {
      topic: topicNameOf(record),
      payloadBytes: record.length - payloadStart,
      qos: qosOf(record),
      publisher: this.#publisherOf(record, publisherStart, payloadStart),
      receivedAtMs: receiptOf(record),
      expiresAtMs: expiryOf(record),
    }
  }

  #publisherOf(record: MessageRecord, start: number, end: number): Publisher {
    if (this.#publisher !== undefined && isSame(this.#publisherBytes, record, start, end)) {
      return this.#publisher
    }
    this.#publisherBytes = record.slice(start, end)
    this.#publisher = readPublisher(this.#publisherBytes)
    return this.#publisher
  }
}

/** What is beyond the limits now was within them when it was stored. */
function hasTopicName(record: MessageRecord): boolean {
  const end = topicStart + topicBytesOf(record)
  let isAscii = true
  for (let index = topicStart; index < end; index++) {
    const byte = record[index] ?? 0
    if (byte === 0 || byte === 0x23 || byte === 0x2b) return false
    if (byte >= 0x80) isAscii = false
  }
  return end > topicStart && (isAscii || isWellFormed(record.slice(topicStart, end)))
}

function isWellFormed(utf8: Uint8Array): boolean {
  try {
    return nameOf(utf8).length > 0
  } catch {
    // Decoding throws for nothing but ill-formed input.
    return false
  }
}

/** Only what was a topic name when the record was made comes back as one. */
function nameOf(utf8: Uint8Array): TopicName {
  return decodeUtf8(utf8, 0, utf8.length) as TopicName
}

/** One Publisher stands for a whole connection, so each is encoded once. */
const encodedPublishers = new WeakMap<Publisher, Uint8Array>()

/** A record's publisher, without the length in front: origin 1 · identifier · 1 and username, or 0; texts with theirs. */
export function publisherBytes(publisher: Publisher): Uint8Array {
  const known = encodedPublishers.get(publisher)
  if (known !== undefined) return known
  const clientId = Buffer.from(publisher.clientId)
  const username = Buffer.from(publisher.username ?? "")
  const named = publisher.username !== undefined
  const encoded = new Uint8Array(6 + clientId.length + (named ? 4 + username.length : 0))
  encoded[0] = writtenOrigins.indexOf(publisher.origin)
  const at = writeSized(encoded, 1, clientId)
  encoded[at] = named ? 1 : 0
  if (named) writeSized(encoded, at + 1, username)
  encodedPublishers.set(publisher, encoded)
  return encoded
}

function readPublisher(bytes: Uint8Array): Publisher {
  const clientIdEnd = 5 + readFour(bytes, 1)
  const named = bytes[clientIdEnd] === 1
  return {
    origin: writtenOrigins[bytes[0] ?? 0] ?? "client",
    clientId: textOf(bytes, 5, clientIdEnd) as ClientId,
    username: named ? textOf(bytes, clientIdEnd + 5, bytes.length) : undefined,
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.slice(start, end)).toString()
}

function isSame(known: Uint8Array, record: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== record[start + index]) return false
  }
  return true
}

function writeSized(record: Uint8Array, at: number, bytes: Uint8Array): number {
  writeFour(record, at, bytes.length)
  record.set(bytes, at + 4)
  return at + 4 + bytes.length
}

function writeFour(record: Uint8Array, at: number, value: number): void {
  record[at] = value
  record[at + 1] = value >>> 8
  record[at + 2] = value >>> 16
  record[at + 3] = value >>> 24
}

function readFour(record: Uint8Array, at: number): number {
  return (
    ((record[at] ?? 0) |
      ((record[at + 1] ?? 0) << 8) |
      ((record[at + 2] ?? 0) << 16) |
      ((record[at + 3] ?? 0) << 24)) >>>
    0
  )
}

// A DataView on the record would cost what a subarray costs, so a float goes by way of these.
const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

function writeEight(record: Uint8Array, at: number, value: number): void {
  float[0] = value
  for (let index = 0; index < 8; index++) record[at + index] = floatBytes[index] ?? 0
}

function readEight(record: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index++) floatBytes[index] = record[at + index] ?? 0
  return float[0] ?? 0
}
