import * as fc from "fast-check"
import { reasonCodesOfPacket } from "../../src/protocol/packet-reason-codes.ts"
import {
  type Packet,
  type PacketId,
  type PacketType,
  packetTypeNumber,
  type ProtocolVersion,
} from "../../src/protocol/packet.ts"
import {
  type PropertiesOf,
  propertiesOfPacket,
  type PropertyBearer,
  type PropertyName,
  propertyTable,
} from "../../src/protocol/properties.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"

/** Any packet that may be sent in this version. */
export function anyPacket(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.oneof(...packetTypesOf(version).map((type) => packetOfType(type, version)))
}

export function packetTypesOf(version: ProtocolVersion): PacketType[] {
  const types = Object.keys(packetTypeNumber) as PacketType[]
  return version === 5 ? types : types.filter((type) => type !== "auth")
}

/** Any packet of this type, in the only way our types can say it, so that reading what was written gives it back. */
export function packetOfType(type: PacketType, version: ProtocolVersion): fc.Arbitrary<Packet> {
  switch (type) {
    case "connect":
      return connect(version)
    case "connack":
      return connack(version)
    case "publish":
      return publish(version)
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return fc.record({
        type: fc.constant(type),
        packetId,
        reasonCode: version === 5 ? fc.constantFrom(...reasonCodesOfPacket[type]) : success,
        properties: propertiesIn(version, type),
      })
    case "subscribe":
      return fc.record({
        type: fc.constant(type),
        packetId,
        requests: fc.array(subscribeRequest(version), { minLength: 1, maxLength: 5 }),
        properties: propertiesIn(version, type),
      })
    case "suback":
      return fc.record({
        type: fc.constant(type),
        packetId,
        reasonCodes: fc.array(
          fc.constantFrom(...reasonCodesOfPacket.suback.slice(0, version === 5 ? undefined : 4)),
          { minLength: 1, maxLength: 5 },
        ),
        properties: propertiesIn(version, type),
      })
    case "unsubscribe":
      return fc.record({
        type: fc.constant(type),
        packetId,
        filters: fc.array(filter, { minLength: 1, maxLength: 5 }),
        properties: propertiesIn(version, type),
      })
    case "unsuback":
      return fc.record({
        type: fc.constant(type),
        packetId,
        reasonCodes:
          version === 5
            ? fc.array(fc.constantFrom(...reasonCodesOfPacket.unsuback), { minLength: 1, maxLength: 5 })
            : fc.constant([]),
        properties: propertiesIn(version, type),
      })
    case "pingreq":
    case "pingresp":
      return fc.constant({ type })
    case "disconnect":
      return fc.record({
        type: fc.constant(type),
        reasonCode: version === 5 ? fc.constantFrom(...reasonCodesOfPacket.disconnect) : success,
        properties: propertiesIn(version, type),
      })
    case "auth":
      return fc
        .record({
          type: fc.constant(type),
          reasonCode: fc.constantFrom(...reasonCodesOfPacket.auth),
          properties: propertiesOf("auth"),
        })
        .map((auth) => {
          const isShort = auth.reasonCode === ReasonCode.success && Object.keys(auth.properties).length === 0
          // Whatever is not empty must name its method [3.15.2.2.2].
          return isShort ? auth : { ...auth, properties: { authenticationMethod: "m", ...auth.properties } }
        })
  }
}

const success = fc.constant(ReasonCode.success)
const packetId = fc.integer({ min: 1, max: 0xffff }).map((id) => id as PacketId)
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)

/** Any code points but U+0000 and surrogates, now and then more than fit one byte of length. */
const text = fc
  .oneof(
    { weight: 9, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 100, maxLength: 300 }) },
  )
  .map((value) => value.replaceAll("\0", "0"))
const filter = text.map((value) => value || "#")
const topicName = text.map((value) => value.replace(/[+#]/g, "-") || "/")
const binary = fc.uint8Array({ maxLength: 200 })

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will = fc.record({
    topic: topicName,
    payload: binary,
    qos,
    retain: fc.boolean(),
    properties: propertiesIn(version, "will"),
  })
  return fc
    .record({
      type: fc.constant("connect" as const),
      version: fc.constant(version),
      bridge: version === 5 ? fc.constant(false) : fc.boolean(),
      cleanStart: fc.boolean(),
      keepAliveSeconds: fc.integer({ min: 0, max: 0xffff }),
      clientId: text,
      username: fc.option(text, { nil: undefined }),
      password: fc.option(binary, { nil: undefined }),
      will: fc.option(will, { nil: undefined }),
      properties: propertiesIn(version, "connect"),
    })
    .map((packet) => {
      // Before MQTT 5.0 a password needs a user name [3.1.1: MQTT-3.1.2-22].
      return version !== 5 && packet.username === undefined ? { ...packet, password: undefined } : packet
    })
}

const codesBefore5 = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
] as const

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc
    .record({
      type: fc.constant("connack" as const),
      sessionPresent: fc.boolean(),
      reasonCode: fc.constantFrom(...(version === 5 ? reasonCodesOfPacket.connack : codesBefore5)),
      properties: propertiesIn(version, "connack"),
    })
    .map((packet) => {
      // No session where the client is refused [MQTT-3.2.2-6], and none at all in MQTT 3.1.
      const sessionPresent =
        packet.sessionPresent && packet.reasonCode === ReasonCode.success && version !== 3
      return { ...packet, sessionPresent }
    })
}

function publish(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc
    .record({
      type: fc.constant("publish" as const),
      qos,
      dup: fc.boolean(),
      retain: fc.boolean(),
      topic: fc.oneof({ weight: 4, arbitrary: topicName }, { weight: 1, arbitrary: fc.constant("") }),
      packetId,
      payload: binary,
      properties: propertiesIn(version, "publish"),
    })
    .map((packet) => ({
      ...packet,
      dup: packet.dup && packet.qos > 0,
      packetId: packet.qos > 0 ? packet.packetId : undefined,
      topic: packet.properties.topicAlias === undefined ? packet.topic || "/" : packet.topic,
    }))
}

function subscribeRequest(version: ProtocolVersion) {
  const no = fc.constant(false)
  return fc
    .record({
      filter: fc.oneof(
        { weight: 4, arbitrary: filter },
        { weight: 1, arbitrary: filter.map((value) => `$share/g/${value}`) },
      ),
      qos,
      noLocal: version === 5 ? fc.boolean() : no,
      retainAsPublished: version === 5 ? fc.boolean() : no,
      retainHandling:
        version === 5 ? fc.constantFrom(0 as const, 1 as const, 2 as const) : fc.constant(0 as const),
    })
    .map((request) => ({ ...request, noLocal: request.noLocal && !request.filter.startsWith("$share/") }))
}

function propertiesIn<Bearer extends PropertyBearer>(
  version: ProtocolVersion,
  bearer: Bearer,
): fc.Arbitrary<PropertiesOf<Bearer>> {
  return version === 5 ? propertiesOf(bearer) : fc.constant({} as PropertiesOf<Bearer>)
}

function propertiesOf<Bearer extends PropertyBearer>(bearer: Bearer): fc.Arbitrary<PropertiesOf<Bearer>> {
  const values = propertiesOfPacket[bearer].map((name) => [name, propertyValue(name, bearer)] as const)
  return fc.record(Object.fromEntries(values), { requiredKeys: [] }).map((record) => {
    const properties = { ...record }
    // The data means nothing without the method [3.1.2.11.10].
    if (properties["authenticationMethod"] === undefined) delete properties["authenticationData"]
    return properties as PropertiesOf<Bearer>
  })
}

function propertyValue(name: PropertyName, bearer: PropertyBearer): fc.Arbitrary<unknown> {
  const least = mustNotBeZero.includes(name) ? 1 : 0
  switch (propertyTable[name].form) {
    case "byte":
      return fc.constantFrom(0, 1)
    case "boolean":
      return fc.boolean()
    case "two":
      return fc.integer({ min: least, max: 0xffff })
    case "four":
      return fc.integer({ min: least, max: 0xffff_ffff })
    case "variable":
      return fc.array(fc.integer({ min: least, max: 0xfff_ffff }), {
        minLength: 1,
        maxLength: bearer === "publish" ? 4 : 1,
      })
    case "text":
      return name === "responseTopic" ? topicName : text
    case "binary":
      return binary
    case "pair":
      return fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })
  }
}

const mustNotBeZero: readonly PropertyName[] = [
  "receiveMaximum",
  "maximumPacketSize",
  "topicAlias",
  "subscriptionIdentifiers",
]
