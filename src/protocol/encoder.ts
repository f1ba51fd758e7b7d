import { assert } from "../foundation/assert.ts"
import { ByteWriter } from "./byte-writer.ts"
import {
  type Connack,
  type Connect,
  fixedHeaderFlags,
  type Packet,
  type PacketId,
  packetTypeNumber,
  type ProtocolVersion,
  type Publish,
  type SubscribeRequest,
} from "./packet.ts"
import type { Properties, PropertyBearer } from "./properties.ts"
import { encodeProperties, hasProperties } from "./property-codec.ts"
import { connectReturnCode, ReasonCode, subscribeReturnCode } from "./reason-code.ts"

/**
 * Writes any of the fifteen packets in its shortest form. What MQTT 3.1 and 3.1.1 cannot say is left out, and reason
 * codes become their return codes.
 *
 * @param version settled by CONNECT; a CONNECT itself does not look at it
 * @returns an array of its own, exactly as long as the packet
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter()
  writer.byte((packetTypeNumber[packet.type] << 4) | flagsOf(packet))
  const bodyStart = writer.length
  encodeBody(writer, packet, version)
  writer.prefixLength(bodyStart)
  return writer.take()
}

/** Bytes in an acknowledgement that says success and no more, the same in all versions. */
export const acknowledgementLength = 4

/** Hot. Writes an acknowledgement of success at `at`, where `acknowledgementLength` bytes must be free. */
export function writeAcknowledgement(
  bytes: Uint8Array,
  at: number,
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  packetId: PacketId,
): void {
  bytes[at] = (packetTypeNumber[type] << 4) | fixedHeaderFlags[type]
  bytes[at + 1] = 2
  bytes[at + 2] = packetId >> 8
  bytes[at + 3] = packetId
}

function flagsOf(packet: Packet): number {
  if (packet.type !== "publish") return fixedHeaderFlags[packet.type]
  return (packet.dup ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0)
}

function encodeBody(writer: ByteWriter, packet: Packet, version: ProtocolVersion): void {
  switch (packet.type) {
    case "connect":
      return encodeConnect(writer, packet)
    case "connack":
      return encodeConnack(writer, packet, version)
    case "publish":
      return encodePublish(writer, packet, version)
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      writer.two(packet.packetId)
      return encodeShortened(writer, packet, version)
    case "subscribe":
      writer.two(packet.packetId)
      encodePropertiesIf(version === 5, writer, "subscribe", packet.properties)
      for (const request of packet.requests) {
        writer.text(request.filter)
        writer.byte(version === 5 ? subscriptionOptionsOf(request) : request.qos)
      }
      return
    case "suback":
      writer.two(packet.packetId)
      encodePropertiesIf(version === 5, writer, "suback", packet.properties)
      for (const code of packet.reasonCodes) writer.byte(version === 5 ? code : subscribeReturnCode(code))
      return
    case "unsubscribe":
      writer.two(packet.packetId)
      encodePropertiesIf(version === 5, writer, "unsubscribe", packet.properties)
      for (const filter of packet.filters) writer.text(filter)
      return
    case "unsuback":
      writer.two(packet.packetId)
      if (version !== 5) return
      encodeProperties(writer, "unsuback", packet.properties)
      for (const code of packet.reasonCodes) writer.byte(code)
      return
    case "pingreq":
    case "pingresp":
      return
    case "disconnect":
      return encodeShortened(writer, packet, version)
    case "auth":
      assert(version === 5, "AUTH belongs to MQTT 5.0")
      if (packet.reasonCode === ReasonCode.success && !hasProperties(packet.properties)) return
      writer.byte(packet.reasonCode)
      return encodeProperties(writer, "auth", packet.properties)
  }
}

function encodeConnect(writer: ByteWriter, connect: Connect): void {
  const { version, will, username, password } = connect
  assert(version === 5 || password === undefined || username !== undefined, "a password needs a user name")
  writer.text(version === 3 ? "MQIsdp" : "MQTT")
  writer.byte(connect.bridge && version !== 5 ? version | 0x80 : version)
  writer.byte(connectFlagsOf(connect))
  writer.two(connect.keepAliveSeconds)
  encodePropertiesIf(version === 5, writer, "connect", connect.properties)
  writer.text(connect.clientId)
  if (will !== undefined) {
    encodePropertiesIf(version === 5, writer, "will", will.properties)
    writer.text(will.topic)
    writer.binary(will.payload)
  }
  if (username !== undefined) writer.text(username)
  if (password !== undefined) writer.binary(password)
}

function connectFlagsOf({ cleanStart, will, username, password }: Connect): number {
  let flags = cleanStart ? 0x02 : 0
  if (will !== undefined) flags |= 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0)
  if (password !== undefined) flags |= 0x40
  if (username !== undefined) flags |= 0x80
  return flags
}

function encodeConnack(writer: ByteWriter, connack: Connack, version: ProtocolVersion): void {
  // MQTT 3.1 has no session present: the byte is reserved.
  writer.byte(connack.sessionPresent && version !== 3 ? 1 : 0)
  writer.byte(version === 5 ? connack.reasonCode : connectReturnCode(connack.reasonCode))
  encodePropertiesIf(version === 5, writer, "connack", connack.properties)
}

function encodePublish(writer: ByteWriter, publish: Publish, version: ProtocolVersion): void {
  writer.text(publish.topic)
  assert(
    (publish.qos === 0) === (publish.packetId === undefined),
    "a packet identifier goes with QoS 1 and 2",
  )
  if (publish.packetId !== undefined) writer.two(publish.packetId)
  encodePropertiesIf(version === 5, writer, "publish", publish.properties)
  writer.raw(publish.payload)
}

/** Reason code and properties, each left out when it and all behind it say nothing [3.4.2.1, 3.14.2.1]. */
function encodeShortened(
  writer: ByteWriter,
  packet: Extract<Packet, { type: "puback" | "pubrec" | "pubrel" | "pubcomp" | "disconnect" }>,
  version: ProtocolVersion,
): void {
  if (version !== 5) return
  const withProperties = hasProperties(packet.properties)
  if (packet.reasonCode === ReasonCode.success && !withProperties) return
  writer.byte(packet.reasonCode)
  encodePropertiesIf(withProperties, writer, packet.type, packet.properties)
}

function encodePropertiesIf(
  isThere: boolean,
  writer: ByteWriter,
  bearer: PropertyBearer,
  properties: Properties,
): void {
  if (isThere) encodeProperties(writer, bearer, properties)
}

/** The subscription options of MQTT 5.0 [3.8.3.1]. */
function subscriptionOptionsOf(request: SubscribeRequest): number {
  return (
    request.qos |
    (request.noLocal ? 4 : 0) |
    (request.retainAsPublished ? 8 : 0) |
    (request.retainHandling << 4)
  )
}
