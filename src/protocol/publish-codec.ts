import { type Message, noBytes, secondsLeft, type Topic } from "./message.ts"
import { type PacketId, parsePacketId, type ProtocolVersion, type Qos } from "./packet.ts"
import { ProtocolError } from "./protocol-error.ts"
import { readPublishProperties } from "./publish-properties.ts"
import { ReasonCode } from "./reason-code.ts"
import type { TopicTable } from "./topic-table.ts"

/**
 * Hot. Reads one PUBLISH after the other in place, into its own fields, and makes no object for any of them but
 * what a Message keeps.
 */
export class PublishReader {
  readonly #topics: TopicTable
  readonly #maximumUserProperties: number

  qos: Qos = 0
  dup = false
  retain = false
  /** Meaningful when the QoS is above 0. */
  packetId = 1 as PacketId
  /** Undefined when only a topic alias stands for it. */
  topic: Topic | undefined
  /** 0 for none [3.3.2.3.4]. */
  topicAlias = 0
  /** -1 for none; 0 is an interval that is over at once. */
  messageExpirySeconds = -1
  /** The properties that travel on, as they stand on the wire. */
  properties: Uint8Array = noBytes
  /** The publisher says that the payload is UTF-8 [3.3.2.3.2]. */
  payloadIsText = false
  payload: Uint8Array = noBytes

  constructor(topics: TopicTable, maximumUserProperties: number) {
    this.#topics = topics
    this.#maximumUserProperties = maximumUserProperties
  }

  /**
   * @param bytes a plain Uint8Array, not a Buffer: its `slice` must copy
   * @throws ProtocolError malformedPacket, topicNameInvalid, or what a property calls for [3.3]
   */
  read(firstByte: number, bytes: Uint8Array, start: number, end: number, version: ProtocolVersion): void {
    const qos = (firstByte >> 1) & 3
    if (qos === 3) throw new ProtocolError(ReasonCode.malformedPacket, "QoS 3 [MQTT-3.3.1-4]")
    this.qos = qos as Qos
    this.dup = (firstByte & 8) !== 0
    if (this.dup && qos === 0) {
      throw new ProtocolError(ReasonCode.malformedPacket, "DUP with QoS 0 [MQTT-3.3.1-2]")
    }
    this.retain = (firstByte & 1) !== 0
    const topicStart = start + 2
    if (topicStart > end) throw new ProtocolError(ReasonCode.malformedPacket, "PUBLISH ends in its topic")
    const topicEnd = topicStart + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
    let at = qos === 0 ? topicEnd : topicEnd + 2
    if (at > end) throw new ProtocolError(ReasonCode.malformedPacket, "PUBLISH ends in its topic")
    if (qos !== 0) {
      const packetId = parsePacketId(((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0))
      if (packetId === undefined) {
        throw new ProtocolError(ReasonCode.malformedPacket, "packet identifier 0 [MQTT-2.2.1-3]")
      }
      this.packetId = packetId
    }
    this.topicAlias = 0
    this.messageExpirySeconds = -1
    this.properties = noBytes
    this.payloadIsText = false
    if (version === 5) {
      if (at < end && bytes[at] === 0) at += 1
      else at = readPublishProperties(this, bytes, at, end, this.#maximumUserProperties)
    }
    if (topicEnd > topicStart) this.topic = this.#topics.find(bytes, topicStart, topicEnd)
    else if (this.topicAlias === 0) {
      throw new ProtocolError(ReasonCode.protocolError, "neither topic nor alias [3.3.2.1]")
    } else this.topic = undefined
    this.payload = at === end ? noBytes : bytes.slice(at, end)
  }
}

/**
 * A message on its way to its subscribers, with the encodings made on the way: one for each protocol family and
 * kind of QoS, whatever the number of receivers. Only the first byte, the packet identifier and the seconds left
 * to live differ between them, and are patched in each receiver's own copy.
 */
export class SharedPublish {
  readonly message: Message
  /** Which kinds of encoding were asked for, one bit each. */
  #asked = 0
  #encodings: (Uint8Array | undefined)[] | undefined

  constructor(message: Message) {
    this.message = message
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
    return (this.#encodings[kind] ??= encode(this.message, version, identified))
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
  const message = publish.message
  const encoding = publish.encoding(terms.version === 5 ? 5 : 3, packetId !== 0)
  if (encoding === undefined) {
    return appendOwn(output, publish, terms, firstByte, packetId, nowMs, 0, true, noIdentifiers)
  }
  if (encoding.length > terms.maximumPacketBytes) return 0
  const at = output.append(encoding)
  const bytes = output.bytes
  bytes[at] = firstByte
  if (packetId === 0 && (terms.version !== 5 || message.expiresAtMs === Number.POSITIVE_INFINITY)) {
    return encoding.length
  }
  let next = at + bodyStart(encoding) + 2 + message.topic.utf8.length
  if (packetId !== 0) {
    bytes[next] = packetId >> 8
    bytes[next + 1] = packetId
    next += 2
  }
  if (terms.version === 5 && message.expiresAtMs !== Number.POSITIVE_INFINITY) {
    next += variableLength(expiryLength + message.properties.length)
    writeFour(bytes, next + 1, secondsLeft(message, nowMs))
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
  const message = publish.message
  const hasProperties = terms.version === 5
  const expires = hasProperties && message.expiresAtMs !== Number.POSITIVE_INFINITY
  let propertiesLength = 0
  if (hasProperties) {
    propertiesLength = message.properties.length
    if (expires) propertiesLength += expiryLength
    if (topicAlias !== 0) propertiesLength += 3
    for (const identifier of subscriptionIdentifiers) propertiesLength += 1 + variableLength(identifier)
  }
  const topicLength = withTopic ? message.topic.utf8.length : 0
  const remaining =
    2 +
    topicLength +
    (packetId === 0 ? 0 : 2) +
    (hasProperties ? variableLength(propertiesLength) + propertiesLength : 0) +
    message.payload.length
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
    bytes.set(message.topic.utf8, at)
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
      at = writeFour(bytes, at + 1, secondsLeft(message, nowMs))
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
    bytes.set(message.properties, at)
    at += message.properties.length
  }
  bytes.set(message.payload, at)
  return total
}

/** The upper half of PUBLISH and its flags [3.3.1]. */
export function publishFirstByte(qos: Qos, retain: boolean, dup: boolean): number {
  return 0x30 | (qos << 1) | (retain ? 1 : 0) | (dup ? 8 : 0)
}

const expiryLength = 5
const noIdentifiers: readonly number[] = []

function encode(message: Message, version: 3 | 5, identified: boolean): Uint8Array {
  const { topic, payload, properties } = message
  const expires = version === 5 && message.expiresAtMs !== Number.POSITIVE_INFINITY
  const propertiesLength = properties.length + (expires ? expiryLength : 0)
  const remaining =
    2 +
    topic.utf8.length +
    (identified ? 2 : 0) +
    (version === 5 ? variableLength(propertiesLength) + propertiesLength : 0) +
    payload.length
  const bytes = new Uint8Array(1 + variableLength(remaining) + remaining)
  let at = writeVariable(bytes, 1, remaining)
  bytes[at] = topic.utf8.length >> 8
  bytes[at + 1] = topic.utf8.length
  bytes.set(topic.utf8, at + 2)
  at += 2 + topic.utf8.length + (identified ? 2 : 0)
  if (version === 5) {
    at = writeVariable(bytes, at, propertiesLength)
    if (expires) {
      bytes[at] = 0x02
      at += expiryLength
    }
    if (properties.length > 0) bytes.set(properties, at)
    at += properties.length
  }
  if (payload.length > 0) bytes.set(payload, at)
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
