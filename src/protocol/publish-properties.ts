import { ByteReader } from "./byte-reader.ts"
import { ByteWriter } from "./byte-writer.ts"
import { noBytes } from "./message.ts"
import type { PropertiesOf } from "./properties.ts"
import { decodeProperties, encodeProperties } from "./property-codec.ts"
import { malformedPacket, ProtocolError, protocolError } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"
import { parseTopicName, wireTopicLimits } from "./topic.ts"
import { decodeUtf8 } from "./utf8.ts"

/** Where the properties that end at this broker are put; `properties` gets those that travel on. */
export interface PublishPropertyFields {
  topicAlias: number
  messageExpirySeconds: number
  properties: Uint8Array
  payloadIsText: boolean
}

/** The properties that travel with a message from its publisher to each of its receivers unchanged. */
export type ForwardedProperties = Omit<PropertiesOf<"will">, "willDelayInterval" | "messageExpiryInterval">

const payloadFormatIndicator = 0x01
const messageExpiryInterval = 0x02
const contentType = 0x03
const responseTopic = 0x08
const correlationData = 0x09
const subscriptionIdentifier = 0x0b
const topicAlias = 0x23
const userProperty = 0x26

/**
 * Hot for MQTT 5. Checks the properties of a PUBLISH in place [3.3.2.3]. Those that the receivers get unchanged are
 * not decoded: they stay the bytes they are, in their order [MQTT-3.3.2-17, 3.3.2-18].
 *
 * @returns where the payload begins
 * @throws ProtocolError malformedPacket, protocolError, topicAliasInvalid, payloadFormatInvalid
 */
export function readPublishProperties(
  fields: PublishPropertyFields,
  bytes: Uint8Array,
  start: number,
  packetEnd: number,
  maximumUserProperties: number,
): number {
  let at = start
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at]
    if (byte === undefined || at >= packetEnd || shift > 21) throw malformedPacket("length of the properties")
    at += 1
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      if (byte === 0 && shift > 0)
        throw malformedPacket("length of the properties in more bytes than it needs")
      break
    }
  }
  const first = at
  const end = at + length
  if (end > packetEnd) throw malformedPacket("properties go beyond the packet")
  let seen = 0
  let userProperties = 0
  // Properties of our own are cut out; what lies between them travels on.
  let keptFrom = first
  let kept = noBytes
  while (at < end) {
    const propertyStart = at
    const identifier = bytes[at]
    at += 1
    // Those above are told apart below; none but one may be here, and the rest must not pass for one that is.
    if (identifier !== undefined && identifier < 32) {
      const bit = 1 << identifier
      if ((seen & bit) !== 0) throw repeated(identifier)
      seen |= bit
    }
    switch (identifier) {
      case payloadFormatIndicator: {
        const value = bytes[at]
        at += 1
        if (value === undefined || at > end) throw malformedPacket("payload format indicator")
        if (value > 1) throw protocolError("payload format indicator above 1")
        fields.payloadIsText = value === 1
        break
      }
      case messageExpiryInterval:
        at += 4
        if (at > end) throw malformedPacket("message expiry interval")
        fields.messageExpirySeconds = readFour(bytes, at - 4)
        kept = append(kept, bytes, keptFrom, propertyStart)
        keptFrom = at
        break
      case topicAlias:
        if (fields.topicAlias !== 0) throw repeated(identifier)
        at += 2
        if (at > end) throw malformedPacket("topic alias")
        fields.topicAlias = ((bytes[at - 2] ?? 0) << 8) | (bytes[at - 1] ?? 0)
        if (fields.topicAlias === 0) throw new ProtocolError(ReasonCode.topicAliasInvalid)
        kept = append(kept, bytes, keptFrom, propertyStart)
        keptFrom = at
        break
      case contentType:
        at = checkText(bytes, at, end)
        break
      case responseTopic: {
        const textEnd = checkText(bytes, at, end)
        // Nothing is routed by it here, so only what any topic name is bound by is looked at.
        if (parseTopicName(decodeUtf8(bytes, at + 2, textEnd), wireTopicLimits) === undefined) {
          throw new ProtocolError(ReasonCode.topicNameInvalid, "response topic [MQTT-3.3.2-14]")
        }
        at = textEnd
        break
      }
      case correlationData:
        at = fieldEnd(bytes, at, end)
        break
      case userProperty:
        userProperties += 1
        if (userProperties > maximumUserProperties) {
          throw new ProtocolError(ReasonCode.quotaExceeded, "too many user properties")
        }
        at = checkText(bytes, checkText(bytes, at, end), end)
        break
      case subscriptionIdentifier:
        throw protocolError("subscription identifier from a client [MQTT-3.3.4-6]")
      default:
        throw malformedPacket(`property ${identifier} in PUBLISH`)
    }
  }
  fields.properties = keptFrom === end ? kept : append(kept, bytes, keptFrom, end)
  return end
}

/**
 * Hot for MQTT 5. Looks whether a PUBLISH has only properties that its receivers get unchanged, and these plainly in
 * order: then its frame may go on as it is (bench rows properties and properties-durable).
 *
 * @returns where the payload begins; 0 when `readPublishProperties` must decide, which is right about everything
 */
export function passUnchangedProperties(
  bytes: Uint8Array,
  start: number,
  packetEnd: number,
  maximumUserProperties: number,
): number {
  let at = start
  let length = bytes[at++] ?? 0
  if (length === 0) return at <= packetEnd ? at : 0
  if (length >= 0x80) {
    const high = bytes[at++] ?? 0
    if (high === 0 || high >= 0x80) return 0
    length = (length & 0x7f) | (high << 7)
  }
  const end = at + length
  if (end > packetEnd) return 0
  let seen = 0
  let userProperties = 0
  while (at !== 0 && at < end) {
    const identifier = bytes[at++] ?? 0
    if (identifier === userProperty) {
      userProperties += 1
      if (userProperties > maximumUserProperties) return 0
      at = passText(bytes, at, end)
      if (at !== 0) at = passText(bytes, at, end)
      continue
    }
    const bit = 1 << (identifier & 31)
    if ((seen & bit) !== 0) return 0
    seen |= bit
    if (identifier === contentType) at = passText(bytes, at, end)
    else if (identifier === correlationData) at = passField(bytes, at, end)
    else return 0
  }
  return at
}

/** @returns the end of a field with a two-byte length before it; 0 when it goes too far */
function passField(bytes: Uint8Array, at: number, end: number): number {
  const next = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  return next <= end ? next : 0
}

/** As `passField`, for a text that is ASCII without NUL; 0 for any other. */
function passText(bytes: Uint8Array, at: number, end: number): number {
  const next = passField(bytes, at, end)
  for (let index = at + 2; index < next; index++) {
    const byte = bytes[index] ?? 0
    if (byte === 0 || byte >= 0x80) return 0
  }
  return next
}

/** The bytes that a `Message` carries for these properties: as in a PUBLISH, without the length before them. */
export function encodeForwardedProperties(properties: ForwardedProperties): Uint8Array {
  const writer = new ByteWriter()
  encodeProperties(writer, "will", properties)
  const bytes = writer.take()
  let at = 0
  while ((bytes[at] ?? 0) >= 0x80) at += 1
  return bytes.subarray(at + 1)
}

/** What `encodeForwardedProperties` was given, or its equal, of the properties of a message of ours. */
export function decodeForwardedProperties(bytes: Uint8Array): ForwardedProperties {
  const writer = new ByteWriter()
  writer.variable(bytes.length)
  writer.raw(bytes)
  const sized = writer.take()
  return decodeProperties(new ByteReader(sized, 0, sized.length), "will")
}

function append(kept: Uint8Array<ArrayBuffer>, bytes: Uint8Array, start: number, end: number) {
  if (start === end) return kept
  const joined = new Uint8Array(kept.length + end - start)
  joined.set(kept)
  joined.set(bytes.subarray(start, end), kept.length)
  return joined
}

/** @returns the end of a field with a two-byte length before it */
function fieldEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) throw malformedPacket("length of a property")
  const next = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  if (next > end) throw malformedPacket("a property goes beyond the properties")
  return next
}

function checkText(bytes: Uint8Array, at: number, end: number): number {
  const next = fieldEnd(bytes, at, end)
  for (let index = at + 2; index < next; index++) {
    const byte = bytes[index] ?? 0
    if (byte === 0 || byte >= 0x80) {
      decodeUtf8(bytes, at + 2, next)
      break
    }
  }
  return next
}

function readFour(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x100_0000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  )
}

function repeated(identifier: number): ProtocolError {
  return protocolError(`property ${identifier} repeated`)
}
