import { assert } from "../foundation/assert.ts"
import { copyBytes } from "../foundation/copy-bytes.ts"
import { type Message, secondsLeft } from "./message.ts"
import {
  expiryOf,
  type MessageRecord,
  MessageUnpacker,
  payloadStartOf,
  propertiesBytesOf,
  propertiesStartOf,
  qosOf,
  recordOf,
  topicBytesOf,
  topicNameOf,
  topicStart,
} from "./message-record.ts"
import type { ProtocolVersion, Qos } from "./packet.ts"
import type { TopicName } from "./topic.ts"

const unpacker = new MessageUnpacker()

/**
 * A message on its way to its subscribers, with the encodings made on the way: one for each protocol family and
 * kind of QoS, whatever the number of receivers. Only the first byte, the packet identifier and the seconds left
 * to live differ between them, and are patched in each receiver's own copy.
 *
 * What comes out of a store or a queue is a record, and goes on the wire as it stands there: its Message is made only
 * for whoever asks (bench rows retained and offline-drain).
 */
export class SharedPublish {
  readonly qos: Qos
  /** Absolute; Infinity when it never expires. */
  readonly expiresAtMs: number
  readonly topicBytes: number
  readonly propertiesBytes: number
  readonly payloadBytes: number
  #record: MessageRecord | undefined
  #message: Message | undefined
  /** Which kinds of encoding were asked for, one bit each. */
  #asked = 0
  #encodings: (Uint8Array | undefined)[] | undefined

  constructor(source: Message | MessageRecord) {
    if (source instanceof Uint8Array) {
      this.#record = source
      this.#message = undefined
      this.qos = qosOf(source)
      this.expiresAtMs = expiryOf(source)
      this.topicBytes = topicBytesOf(source)
      this.propertiesBytes = propertiesBytesOf(source, this.topicBytes)
      this.payloadBytes = source.length - payloadStartOf(source, this.topicBytes, this.propertiesBytes)
    } else {
      this.#record = undefined
      this.#message = source
      this.qos = source.qos
      this.expiresAtMs = source.expiresAtMs
      this.topicBytes = source.topic.utf8.length
      this.propertiesBytes = source.properties.length
      this.payloadBytes = source.payload.length
    }
  }

  get message(): Message {
    if (this.#message !== undefined) return this.#message
    assert(this.#record !== undefined, "a publish is made of a message or of its record")
    return (this.#message = unpacker.unpack(this.#record))
  }

  get topicName(): TopicName {
    return this.#message === undefined ? topicNameOf(this.toRecord()) : this.#message.topic.name
  }

  /** The record that it is, or that is made of its message once: everybody who queues it in memory shares it. */
  toRecord(): MessageRecord {
    return (this.#record ??= recordOf(this.message))
  }

  /** What it takes up in a queue that is bounded in bytes. */
  get queueBytes(): number {
    return this.topicBytes + this.propertiesBytes + this.payloadBytes
  }

  /** Hot. */
  copyTopic(target: Uint8Array, at: number): void {
    if (this.#record === undefined) return copyAll(target, at, this.message.topic.utf8)
    copyBytes(target, at, this.#record, topicStart, topicStart + this.topicBytes)
  }

  /** Hot. */
  copyProperties(target: Uint8Array, at: number): void {
    if (this.propertiesBytes === 0) return
    if (this.#record === undefined) return copyAll(target, at, this.message.properties)
    const start = propertiesStartOf(this.topicBytes)
    copyBytes(target, at, this.#record, start, start + this.propertiesBytes)
  }

  /** Hot. */
  copyPayload(target: Uint8Array, at: number): void {
    if (this.payloadBytes === 0) return
    if (this.#record === undefined) return copyAll(target, at, this.message.payload)
    copyBytes(target, at, this.#record, this.#record.length - this.payloadBytes, this.#record.length)
  }

  /**
   * The message as it is sent to a subscription without identifier and a connection without aliases, packet
   * identifier 0 standing for the real one.
   *
   * @param version 3 for MQTT 3.1.1 as well
   * @returns undefined the first time: most messages have one receiver, whose bytes are written for itself; from the
   *   second on there is an encoding to copy (fan-in, pairs)
   */
  encoding(version: 3 | 5, identified: boolean): Uint8Array | undefined {
    const kind = (version === 5 ? 2 : 0) + (identified ? 1 : 0)
    const bit = 1 << kind
    if ((this.#asked & bit) === 0) {
      this.#asked |= bit
      return undefined
    }
    this.#encodings ??= []
    return (this.#encodings[kind] ??= encode(this, version, identified))
  }
}

/** What one receiver's PUBLISH has of its own. */
export interface PublishTerms {
  readonly version: ProtocolVersion
  /** Largest packet the receiver takes, in bytes [3.1.2.11.4]. */
  readonly maximumPacketBytes: number
}

/** Where a PUBLISH is written: a connection's output. */
export interface PublishOutput {
  readonly bytes: Uint8Array
  append(bytes: Uint8Array, start?: number, end?: number): number
  reserve(length: number): number
}

/**
 * Hot. Appends a PUBLISH that shares its encoding with other receivers.
 *
 * @param firstByte with DUP, QoS and RETAIN of this receiver
 * @param packetId 0 at QoS 0
 * @returns how many bytes it took; 0, with nothing written, when it is larger than the receiver takes [MQTT-3.1.2-24]
 */
export function appendShared(
  output: PublishOutput,
  publish: SharedPublish,
  terms: PublishTerms,
  firstByte: number,
  packetId: number,
  nowMs: number,
): number {
  const encoding = publish.encoding(terms.version === 5 ? 5 : 3, packetId !== 0)
  if (encoding === undefined) {
    return appendOwn(output, publish, terms, firstByte, packetId, nowMs, 0, true, noIdentifiers)
  }
  if (encoding.length > terms.maximumPacketBytes) return 0
  const at = output.append(encoding)
  const bytes = output.bytes
  bytes[at] = firstByte
  if (packetId === 0 && (terms.version !== 5 || publish.expiresAtMs === Number.POSITIVE_INFINITY)) {
    return encoding.length
  }
  let next = at + bodyStart(encoding) + 2 + publish.topicBytes
  if (packetId !== 0) {
    bytes[next] = packetId >> 8
    bytes[next + 1] = packetId
    next += 2
  }
  if (terms.version === 5 && publish.expiresAtMs !== Number.POSITIVE_INFINITY) {
    next += variableLength(expiryLength + publish.propertiesBytes)
    writeFour(bytes, next + 1, secondsLeft(publish, nowMs))
  }
  return encoding.length
}

/**
 * Hot. Appends a PUBLISH written for one receiver: the only one, or one with properties that are its own.
 *
 * @param topicAlias 0 for none; MQTT 5.0 only, as subscription identifiers are
 * @param withTopic false when the receiver knows the alias already [3.3.2.3.4]
 * @returns how many bytes it took; 0, with nothing written, when it is larger than the receiver takes
 */
export function appendOwn(
  output: PublishOutput,
  publish: SharedPublish,
  terms: PublishTerms,
  firstByte: number,
  packetId: number,
  nowMs: number,
  topicAlias: number,
  withTopic: boolean,
  subscriptionIdentifiers: readonly number[],
): number {
  const hasProperties = terms.version === 5
  const expires = hasProperties && publish.expiresAtMs !== Number.POSITIVE_INFINITY
  let propertiesLength = 0
  if (hasProperties) {
    propertiesLength = publish.propertiesBytes
    if (expires) propertiesLength += expiryLength
    if (topicAlias !== 0) propertiesLength += 3
    for (const identifier of subscriptionIdentifiers) propertiesLength += 1 + variableLength(identifier)
  }
  const topicLength = withTopic ? publish.topicBytes : 0
  const remaining =
    2 +
    topicLength +
    (packetId === 0 ? 0 : 2) +
    (hasProperties ? variableLength(propertiesLength) + propertiesLength : 0) +
    publish.payloadBytes
  const total = 1 + variableLength(remaining) + remaining
  if (total > terms.maximumPacketBytes) return 0
  let at = output.reserve(total)
  const bytes = output.bytes
  bytes[at] = firstByte
  at = writeVariable(bytes, at + 1, remaining)
  bytes[at] = topicLength >> 8
  bytes[at + 1] = topicLength
  at += 2
  if (withTopic) {
    publish.copyTopic(bytes, at)
    at += topicLength
  }
  if (packetId !== 0) {
    bytes[at] = packetId >> 8
    bytes[at + 1] = packetId
    at += 2
  }
  if (hasProperties) {
    at = writeVariable(bytes, at, propertiesLength)
    if (expires) {
      bytes[at] = 0x02
      at = writeFour(bytes, at + 1, secondsLeft(publish, nowMs))
    }
    if (topicAlias !== 0) {
      bytes[at] = 0x23
      bytes[at + 1] = topicAlias >> 8
      bytes[at + 2] = topicAlias
      at += 3
    }
    for (const identifier of subscriptionIdentifiers) {
      bytes[at] = 0x0b
      at = writeVariable(bytes, at + 1, identifier)
    }
    publish.copyProperties(bytes, at)
    at += publish.propertiesBytes
  }
  publish.copyPayload(bytes, at)
  return total
}

/** The upper half of PUBLISH and its flags [3.3.1]. */
export function publishFirstByte(qos: Qos, retain: boolean, dup: boolean): number {
  return 0x30 | (qos << 1) | (retain ? 1 : 0) | (dup ? 8 : 0)
}

const expiryLength = 5
const noIdentifiers: readonly number[] = []

function encode(publish: SharedPublish, version: 3 | 5, identified: boolean): Uint8Array {
  const expires = version === 5 && publish.expiresAtMs !== Number.POSITIVE_INFINITY
  const propertiesLength = publish.propertiesBytes + (expires ? expiryLength : 0)
  const { topicBytes } = publish
  const remaining =
    2 +
    topicBytes +
    (identified ? 2 : 0) +
    (version === 5 ? variableLength(propertiesLength) + propertiesLength : 0) +
    publish.payloadBytes
  const bytes = new Uint8Array(1 + variableLength(remaining) + remaining)
  let at = writeVariable(bytes, 1, remaining)
  bytes[at] = topicBytes >> 8
  bytes[at + 1] = topicBytes
  publish.copyTopic(bytes, at + 2)
  at += 2 + topicBytes + (identified ? 2 : 0)
  if (version === 5) {
    at = writeVariable(bytes, at, propertiesLength)
    if (expires) {
      bytes[at] = 0x02
      at += expiryLength
    }
    publish.copyProperties(bytes, at)
    at += publish.propertiesBytes
  }
  publish.copyPayload(bytes, at)
  return bytes
}

/** Where the body of an encoded packet begins: behind the first byte and the remaining length. */
function bodyStart(encoding: Uint8Array): number {
  let at = 1
  while ((encoding[at] ?? 0) >= 0x80) at += 1
  return at + 1
}

/** Bytes that a variable byte integer takes [1.5.5]. */
export function variableLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x20_0000 ? 3 : 4
}

/** @returns where it goes on behind the variable byte integer [1.5.5] */
export function writeVariable(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at] = rest
  return at + 1
}

function writeFour(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}

function copyAll(target: Uint8Array, at: number, bytes: Uint8Array): void {
  copyBytes(target, at, bytes, 0, bytes.length)
}
