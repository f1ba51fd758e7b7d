import { ByteReader, type PacketBounds } from "./byte-reader.ts"
import { decodeConnect } from "./connect-decoder.ts"
import {
  type Auth,
  type Connack,
  type Disconnect,
  fixedHeaderFlags,
  type Packet,
  type PacketId,
  type PacketType,
  packetTypeNumber,
  parsePacketId,
  type ProtocolVersion,
  type Puback,
  type Pubcomp,
  type Publish,
  type Pubrec,
  type Pubrel,
  type Qos,
  type RetainHandling,
  type Suback,
  type Subscribe,
  type SubscribeRequest,
  type Unsuback,
  type Unsubscribe,
} from "./packet.ts"
import { parseReasonCode, type ReasonCodeBearer } from "./packet-reason-codes.ts"
import { noProperties, type PropertiesOf, type PropertyBearer } from "./properties.ts"
import { decodeProperties } from "./property-codec.ts"
import { malformedPacket, protocolError, ProtocolError } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"
import { parseTopicName, wireTopicLimits } from "./topic.ts"

/**
 * Reads any of the fifteen packets, from either side, and checks all rules that concern one packet alone. What depends
 * on who sent it, on earlier packets or on the broker's settings is not judged here; nor is a topic filter, which the
 * broker answers one by one, nor a client identifier. The packet keeps nothing of `bytes`.
 *
 * @param firstByte type and flags [2.1.1]
 * @param start where the body begins, behind the remaining length
 * @param end where the body ends, exclusive
 * @param version settled by CONNECT; a CONNECT itself does not look at it
 * @param bounds ten megabytes of user properties, or of topic filters, are two million of them: no more is taken apart
 *   than will be used
 * @throws ProtocolError with the reason code to answer with; quotaExceeded beyond the bounds
 */
export function decodePacket(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  bounds?: PacketBounds,
): Packet {
  const type = packetTypes[firstByte >> 4]
  if (type === undefined) throw malformedPacket("packet type 0 is reserved [2.1.2]")
  const flags = firstByte & 0x0f
  checkFlags(type, flags, version)
  const reader = new ByteReader(bytes, start, end, bounds)
  const packet = decodeBody(type, flags, reader, version)
  if (!reader.atEnd) throw malformedPacket(`${type.toUpperCase()} goes on behind its last field`)
  return packet
}

const packetTypes: (PacketType | undefined)[] = []
for (const [type, number] of Object.entries(packetTypeNumber)) packetTypes[number] = type as PacketType

const dupFlag = 0x08

function checkFlags(type: PacketType, flags: number, version: ProtocolVersion): void {
  if (type === "publish" || flags === fixedHeaderFlags[type]) return
  // MQTT 3.1 marks with DUP whatever is sent again, not a PUBLISH alone [3.1: 2.1].
  const mayBeDup = type === "pubrel" || type === "subscribe" || type === "unsubscribe"
  if (version === 3 && mayBeDup && flags === (fixedHeaderFlags[type] | dupFlag)) return
  throw malformedPacket(`reserved flags of ${type.toUpperCase()} [MQTT-2.1.3-1]`)
}

function decodeBody(type: PacketType, flags: number, reader: ByteReader, version: ProtocolVersion): Packet {
  switch (type) {
    case "connect":
      return decodeConnect(reader)
    case "connack":
      return decodeConnack(reader, version)
    case "publish":
      return decodePublish(flags, reader, version)
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return decodeAcknowledgement(type, reader, version)
    case "subscribe":
      return decodeSubscribe(reader, version)
    case "suback":
      return decodeSuback(reader, version)
    case "unsubscribe":
      return decodeUnsubscribe(reader, version)
    case "unsuback":
      return decodeUnsuback(reader, version)
    case "pingreq":
    case "pingresp":
      return { type }
    case "disconnect":
      return decodeDisconnect(reader, version)
    case "auth":
      return decodeAuth(reader, version)
  }
}

function decodeConnack(reader: ByteReader, version: ProtocolVersion): Connack {
  const flags = reader.byte()
  const code = reader.byte()
  const properties = decodePropertiesIf(version === 5, reader, "connack")
  const reasonCode = version === 5 ? parseReasonCode(code, "connack") : reasonCodeOfReturnCode(code)
  // The byte is not used in MQTT 3.1, which knows no session present.
  if (version === 3) return { type: "connack", sessionPresent: false, reasonCode, properties }
  if (flags > 1) throw malformedPacket("reserved flags of CONNACK [3.2.2.1]")
  const sessionPresent = flags === 1
  if (sessionPresent && reasonCode !== ReasonCode.success) {
    throw protocolError("a refused connection has no session [MQTT-3.2.2-6]")
  }
  return { type: "connack", sessionPresent, reasonCode, properties }
}

/** What each return code of MQTT 3.1 and 3.1.1 is in MQTT 5.0 [3.1.1: 3.2.2.3]. */
const reasonCodeByReturnCode: readonly ReasonCode[] = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
]

function reasonCodeOfReturnCode(returnCode: number): ReasonCode {
  const reasonCode = reasonCodeByReturnCode[returnCode]
  if (reasonCode === undefined) throw protocolError(`return code ${returnCode} is reserved [3.1.1: 3.2.2.3]`)
  return reasonCode
}

function decodePublish(flags: number, reader: ByteReader, version: ProtocolVersion): Publish {
  const qos = (flags >> 1) & 3
  if (qos === 3) throw malformedPacket("QoS 3 [MQTT-3.3.1-4]")
  const dup = (flags & dupFlag) !== 0
  if (dup && qos === 0) throw malformedPacket("DUP with QoS 0 [MQTT-3.3.1-2]")
  const topic = reader.text()
  if (topic !== "" && parseTopicName(topic, wireTopicLimits) === undefined) {
    throw new ProtocolError(ReasonCode.topicNameInvalid, "a wildcard in a topic name [MQTT-3.3.2-2]")
  }
  const packetId = qos === 0 ? undefined : decodePacketId(reader)
  const properties = decodePropertiesIf(version === 5, reader, "publish")
  if (topic === "" && properties.topicAlias === undefined) {
    throw protocolError("neither a topic name nor a topic alias [3.3.2.1]")
  }
  return {
    type: "publish",
    qos: qos as Qos,
    dup,
    retain: (flags & 1) !== 0,
    topic,
    packetId,
    payload: reader.rest(),
    properties,
  }
}

/** With nothing behind the packet identifier, or the reason code, the rest is success and no properties [3.4.2.1]. */
function decodeAcknowledgement(
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  reader: ByteReader,
  version: ProtocolVersion,
): Puback | Pubrec | Pubrel | Pubcomp {
  const packetId = decodePacketId(reader)
  const isShort = version !== 5 || reader.atEnd
  const reasonCode = isShort ? ReasonCode.success : parseReasonCode(reader.byte(), type)
  const properties = decodePropertiesIf(!isShort && !reader.atEnd, reader, type)
  return { type, packetId, reasonCode, properties }
}

function decodeSubscribe(reader: ByteReader, version: ProtocolVersion): Subscribe {
  const packetId = decodePacketId(reader)
  const properties = decodePropertiesIf(version === 5, reader, "subscribe")
  if (reader.atEnd) throw protocolError("SUBSCRIBE asks for nothing [MQTT-3.8.3-2]")
  const requests: SubscribeRequest[] = []
  while (!reader.atEnd) {
    checkFilters(requests.length, reader)
    requests.push(decodeSubscribeRequest(reader, version))
  }
  return { type: "subscribe", packetId, requests, properties }
}

/** One more follows. */
function checkFilters(count: number, { bounds }: ByteReader): void {
  if (count < bounds.filters) return
  throw new ProtocolError(ReasonCode.quotaExceeded, `more than ${bounds.filters} topic filters in one packet`)
}

function decodeSubscribeRequest(reader: ByteReader, version: ProtocolVersion): SubscribeRequest {
  const filter = decodeFilter(reader)
  const options = reader.byte()
  const qos = options & 3
  if (version !== 5) {
    // The upper bits are not used in MQTT 3.1, reserved in 3.1.1.
    if (qos === 3 || (version === 4 && options > 2)) {
      throw malformedPacket("neither QoS 0 nor 1 nor 2 [3.1.1: MQTT-3.8.3-4]")
    }
    return { filter, qos: qos as Qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
  }
  const noLocal = (options & 4) !== 0
  const retainHandling = (options >> 4) & 3
  if (options > 0x3f) throw malformedPacket("reserved subscription options [MQTT-3.8.3-5]")
  if (qos === 3) throw protocolError("maximum QoS 3 [3.8.3.1]")
  if (retainHandling === 3) throw protocolError("retain handling 3 [3.8.3.1]")
  if (noLocal && filter.startsWith("$share/")) {
    throw protocolError("no local on a shared subscription [MQTT-3.8.3-4]")
  }
  return {
    filter,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as RetainHandling,
  }
}

function decodeSuback(reader: ByteReader, version: ProtocolVersion): Suback {
  const packetId = decodePacketId(reader)
  const properties = decodePropertiesIf(version === 5, reader, "suback")
  const reasonCodes = decodeReasonCodes(reader, "suback")
  // Before MQTT 5.0 there is one way to refuse [3.1.1: MQTT-3.9.3-2].
  if (version !== 5 && reasonCodes.some((code) => code > ReasonCode.unspecifiedError)) {
    throw protocolError("a return code of SUBACK that is reserved [3.1.1: MQTT-3.9.3-2]")
  }
  return { type: "suback", packetId, reasonCodes, properties }
}

function decodeUnsubscribe(reader: ByteReader, version: ProtocolVersion): Unsubscribe {
  const packetId = decodePacketId(reader)
  const properties = decodePropertiesIf(version === 5, reader, "unsubscribe")
  if (reader.atEnd) throw protocolError("UNSUBSCRIBE names no topic filter [MQTT-3.10.3-2]")
  const filters: string[] = []
  while (!reader.atEnd) {
    checkFilters(filters.length, reader)
    filters.push(decodeFilter(reader))
  }
  return { type: "unsubscribe", packetId, filters, properties }
}

function decodeUnsuback(reader: ByteReader, version: ProtocolVersion): Unsuback {
  const packetId = decodePacketId(reader)
  const properties = decodePropertiesIf(version === 5, reader, "unsuback")
  const reasonCodes = version === 5 ? decodeReasonCodes(reader, "unsuback") : []
  return { type: "unsuback", packetId, reasonCodes, properties }
}

/** An empty body stands for a normal disconnection, a reason code alone for no properties [3.14.2]. */
function decodeDisconnect(reader: ByteReader, version: ProtocolVersion): Disconnect {
  const isShort = version !== 5 || reader.atEnd
  const reasonCode = isShort ? ReasonCode.normalDisconnection : parseReasonCode(reader.byte(), "disconnect")
  const properties = decodePropertiesIf(!isShort && !reader.atEnd, reader, "disconnect")
  return { type: "disconnect", reasonCode, properties }
}

/** An empty body stands for success [3.15.2.1]; every other names the authentication method [3.15.2.2.2]. */
function decodeAuth(reader: ByteReader, version: ProtocolVersion): Auth {
  if (version !== 5) throw malformedPacket("packet type 15 is reserved before MQTT 5.0 [3.1.1: 2.2.1]")
  if (reader.atEnd) return { type: "auth", reasonCode: ReasonCode.success, properties: noProperties }
  const reasonCode = parseReasonCode(reader.byte(), "auth")
  const properties = decodeProperties(reader, "auth")
  if (properties.authenticationMethod === undefined) {
    throw protocolError("AUTH without an authentication method [3.15.2.2.2]")
  }
  return { type: "auth", reasonCode, properties }
}

function decodePropertiesIf<Bearer extends PropertyBearer>(
  isThere: boolean,
  reader: ByteReader,
  bearer: Bearer,
): PropertiesOf<Bearer> {
  return isThere ? decodeProperties(reader, bearer) : (noProperties as PropertiesOf<Bearer>)
}

function decodePacketId(reader: ByteReader): PacketId {
  const packetId = parsePacketId(reader.two())
  if (packetId === undefined) throw malformedPacket("packet identifier 0 [MQTT-2.2.1-3]")
  return packetId
}

function decodeFilter(reader: ByteReader): string {
  const filter = reader.text()
  if (filter === "") throw protocolError("an empty topic filter [MQTT-4.7.3-1]")
  return filter
}

function decodeReasonCodes(reader: ByteReader, bearer: ReasonCodeBearer): ReasonCode[] {
  if (reader.atEnd) throw protocolError(`${bearer.toUpperCase()} answers nothing [3.9.3, 3.11.3]`)
  const reasonCodes: ReasonCode[] = []
  while (!reader.atEnd) reasonCodes.push(parseReasonCode(reader.byte(), bearer))
  return reasonCodes
}
