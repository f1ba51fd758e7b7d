import { generate, parser, type Packet as OraclePacket } from "mqtt-packet"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import type { UserProperty } from "../../src/protocol/properties.ts"
import { connectReturnCode, subscribeReturnCode } from "../../src/protocol/reason-code.ts"

/** An object of mqtt-packet, which says the same things under other names. */
export type Loose = Record<string, unknown>

export function oracleWrites(packet: Packet, version: ProtocolVersion): Uint8Array {
  return generate(asOracle(packet, version) as unknown as OraclePacket, { protocolVersion: version })
}

/** @throws whatever mqtt-packet has against the bytes */
export function oracleReads(bytes: Uint8Array, version: ProtocolVersion): Loose {
  const read: Loose[] = []
  const stream = parser({ protocolVersion: version })
  stream.on("packet", (packet) => read.push({ ...packet }))
  stream.on("error", (error) => {
    throw error
  })
  stream.parse(Buffer.from(bytes))
  const packet = read[0]
  if (packet === undefined || read.length > 1) throw new Error(`mqtt-packet reads ${read.length} packets`)
  return packet
}

/** The packet as mqtt-packet takes and gives it; what is not there is left out. */
export function asOracle(packet: Packet, version: ProtocolVersion): Loose {
  const properties = "properties" in packet ? asOracleProperties(packet.properties) : {}
  const common = { cmd: packet.type, ...properties }
  switch (packet.type) {
    case "connect":
      return {
        ...common,
        protocolId: packet.version === 3 ? "MQIsdp" : "MQTT",
        protocolVersion: packet.version,
        ...(packet.bridge ? { bridgeMode: true } : {}),
        clean: packet.cleanStart,
        keepalive: packet.keepAliveSeconds,
        clientId: packet.clientId,
        ...(packet.username === undefined ? {} : { username: packet.username }),
        ...(packet.password === undefined ? {} : { password: Buffer.from(packet.password) }),
        ...(packet.will === undefined
          ? {}
          : {
              will: {
                topic: packet.will.topic,
                payload: Buffer.from(packet.will.payload),
                qos: packet.will.qos,
                retain: packet.will.retain,
                ...asOracleProperties(packet.will.properties),
              },
            }),
      }
    case "connack": {
      const { sessionPresent, reasonCode } = packet
      return version === 5
        ? { ...common, sessionPresent, reasonCode }
        : { ...common, sessionPresent, returnCode: connectReturnCode(reasonCode) }
    }
    case "publish": {
      const { qos, dup, retain, topic } = packet
      const payload = Buffer.from(packet.payload)
      return { ...common, qos, dup, retain, topic, payload, ...idOf(packet.packetId) }
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return {
        ...common,
        ...idOf(packet.packetId),
        ...(version === 5 ? { reasonCode: packet.reasonCode } : {}),
      }
    case "subscribe":
      return {
        ...common,
        ...idOf(packet.packetId),
        subscriptions: packet.requests.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => {
          if (version !== 5) return { topic: filter, qos }
          return { topic: filter, qos, nl: noLocal, rap: retainAsPublished, rh: retainHandling }
        }),
      }
    case "suback": {
      const granted = packet.reasonCodes.map((code) => (version === 5 ? code : subscribeReturnCode(code)))
      return { ...common, ...idOf(packet.packetId), granted }
    }
    case "unsubscribe":
      return { ...common, ...idOf(packet.packetId), unsubscriptions: packet.filters }
    case "unsuback":
      return {
        ...common,
        ...idOf(packet.packetId),
        ...(version === 5 ? { granted: packet.reasonCodes } : {}),
      }
    case "pingreq":
    case "pingresp":
      return common
    case "disconnect":
      return { ...common, ...(version === 5 ? { reasonCode: packet.reasonCode } : {}) }
    case "auth":
      return { ...common, reasonCode: packet.reasonCode }
  }
}

function idOf(packetId: number | undefined): Loose {
  return packetId === undefined ? {} : { messageId: packetId }
}

function asOracleProperties(properties: object): Loose {
  const entries = Object.entries(properties).map(([name, value]): [string, unknown] => {
    switch (name) {
      case "maximumQos":
        return ["maximumQoS", value]
      case "payloadFormatIndicator":
        return [name, value === 1]
      case "subscriptionIdentifiers":
        return ["subscriptionIdentifier", Array.isArray(value) && value.length === 1 ? value[0] : value]
      case "userProperties":
        return [name, asOracleUserProperties(value as UserProperty[])]
      default:
        return [name, value instanceof Uint8Array ? Buffer.from(value) : value]
    }
  })
  return entries.length === 0 ? {} : { properties: Object.fromEntries(entries) }
}

/** By name, one value or an array of them. */
function asOracleUserProperties(pairs: readonly UserProperty[]): Loose {
  const byName = Object.groupBy(pairs, ([name]) => name)
  const values = Object.entries(byName).map(([name, same = []]): [string, unknown] => {
    return [name, same.length === 1 ? same[0]?.[1] : same.map(([, value]) => value)]
  })
  return Object.fromEntries(values)
}

/**
 * Where mqtt-packet cannot say what the specification allows, or reads it in another way. A user property of an empty
 * value or name that comes again is lost to it, and the order between names; it wants a user name with each password
 * and a client identifier unless the start is clean; and it knows neither an empty AUTH nor reason code 0x8C in a
 * DISCONNECT.
 */
export function withinOracle(packet: Packet, version: ProtocolVersion): Packet | undefined {
  if (packet.type === "auth" && packet.properties.authenticationMethod === undefined) return undefined
  if (packet.type === "disconnect" && packet.reasonCode === 0x8c) return undefined
  if (!("properties" in packet)) return packet
  const plain = { ...packet, properties: onePairOnly(packet.properties) } as Packet
  if (plain.type !== "connect") return plain
  return {
    ...plain,
    clientId: plain.clientId || (plain.cleanStart && version > 3 ? "" : "c"),
    password: plain.username === undefined ? undefined : plain.password,
    will: plain.will && { ...plain.will, properties: onePairOnly(plain.will.properties) },
  }
}

function onePairOnly<Bag extends { readonly userProperties?: readonly UserProperty[] }>(bag: Bag): Bag {
  const pair = bag.userProperties?.[0]
  return pair === undefined ? bag : { ...bag, userProperties: [pair] }
}
