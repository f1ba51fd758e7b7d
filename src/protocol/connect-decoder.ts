import type { ByteReader } from "./byte-reader.ts"
import type { Connect, ProtocolVersion, Qos, WillFields } from "./packet.ts"
import { noProperties } from "./properties.ts"
import { decodeProperties } from "./property-codec.ts"
import { malformedPacket, ProtocolError } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"
import { parseTopicName, wireTopicLimits } from "./topic.ts"

/**
 * Reads the body of a CONNECT [3.1], whose version decides how the rest of it is read.
 *
 * MQTT 3.1 disregards the will bits of a client that has no will, and allows for a user name or password that is
 * announced and missing; later versions do not.
 *
 * @throws ProtocolError unsupportedProtocolVersion before anything behind the version is read, so that even a later
 *   MQTT gets its answer [MQTT-3.1.2-2]; malformedPacket; topicNameInvalid for a will topic that is none
 */
export function decodeConnect(reader: ByteReader): Connect {
  const { version, bridge } = decodeProtocol(reader)
  const flags = reader.byte()
  checkFlags(flags, version)
  const keepAliveSeconds = reader.two()
  const properties = version === 5 ? decodeProperties(reader, "connect") : noProperties
  const clientId = reader.text()
  const will = (flags & willFlag) === 0 ? undefined : decodeWill(reader, flags, version)
  const username = isPresent(reader, flags & usernameFlag, version) ? reader.text() : undefined
  const password = isPresent(reader, flags & passwordFlag, version) ? reader.binary() : undefined
  return {
    type: "connect",
    version,
    bridge,
    cleanStart: (flags & cleanStartFlag) !== 0,
    keepAliveSeconds,
    clientId,
    username,
    password,
    will,
    properties,
  }
}

// The Connect Flags [3.1.2.3].
const reservedFlag = 0x01
const cleanStartFlag = 0x02
const willFlag = 0x04
const willRetainFlag = 0x20
const passwordFlag = 0x40
const usernameFlag = 0x80

const bridgeBit = 0x80

function decodeProtocol(reader: ByteReader): { version: ProtocolVersion; bridge: boolean } {
  const name = reader.text()
  const level = reader.byte()
  if (name === "MQTT" && level === 5) return { version: 5, bridge: false }
  const bridge = (level & bridgeBit) !== 0
  const version = level & ~bridgeBit
  if (name === "MQTT" && version === 4) return { version, bridge }
  if (name === "MQIsdp" && version === 3) return { version, bridge }
  const detail = "neither MQTT 3.1 nor 3.1.1 nor 5.0 [3.1.2.1, 3.1.2.2]"
  throw new ProtocolError(ReasonCode.unsupportedProtocolVersion, detail)
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  const hasWill = (flags & willFlag) !== 0
  if (hasWill && willQosOf(flags) === 3) throw malformedPacket("will QoS 3 [MQTT-3.1.2-12]")
  if (version !== 5 && (flags & passwordFlag) !== 0 && (flags & usernameFlag) === 0) {
    throw malformedPacket("a password without a user name [3.1.1: MQTT-3.1.2-22]")
  }
  if (version === 3) return
  if ((flags & reservedFlag) !== 0) throw malformedPacket("the reserved connect flag is set [MQTT-3.1.2-3]")
  if (hasWill) return
  if (willQosOf(flags) !== 0) throw malformedPacket("a will QoS without a will [MQTT-3.1.2-11]")
  if ((flags & willRetainFlag) !== 0) throw malformedPacket("a will retain without a will [MQTT-3.1.2-13]")
}

function willQosOf(flags: number): number {
  return (flags >> 3) & 3
}

function decodeWill(reader: ByteReader, flags: number, version: ProtocolVersion): WillFields {
  const properties = version === 5 ? decodeProperties(reader, "will") : noProperties
  const topic = reader.text()
  if (parseTopicName(topic, wireTopicLimits) === undefined) {
    throw new ProtocolError(ReasonCode.topicNameInvalid, "the will topic is no topic name [MQTT-4.7.1-1]")
  }
  return {
    topic,
    payload: reader.binary(),
    qos: willQosOf(flags) as Qos,
    retain: (flags & willRetainFlag) !== 0,
    properties,
  }
}

/** In MQTT 3.1 the end of the packet takes precedence over the two last flags [3.1: 3.1]. */
function isPresent(reader: ByteReader, flag: number, version: ProtocolVersion): boolean {
  return flag !== 0 && !(version === 3 && reader.atEnd)
}
