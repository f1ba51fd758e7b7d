import type {
  Acknowledgement,
  Connect,
  Packet,
  ProtocolVersion,
  Publish,
  Qos,
  Subscribe,
  SubscribeRequest,
  Unsubscribe,
  WillFields,
} from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { packetId } from "./packet-catalogue.ts"

/** What a test says of a PUBLISH; the rest is as plain as can be. */
export type PublishWords = Partial<Omit<Publish, "type" | "payload" | "packetId">> & {
  readonly payload?: string | Uint8Array
  readonly packetId?: number
}

export function publish(words: PublishWords): Publish {
  const { payload = "", packetId: id, ...rest } = words
  return {
    type: "publish",
    qos: 0,
    dup: false,
    retain: false,
    topic: "t",
    packetId: id === undefined ? undefined : packetId(id),
    properties: {},
    ...rest,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
  }
}

function acknowledgement<Type extends "puback" | "pubrec" | "pubrel" | "pubcomp">(type: Type) {
  return (id: number, reasonCode: ReasonCode = ReasonCode.success) =>
    ({ type, packetId: packetId(id), reasonCode, properties: {} }) as Acknowledgement<Type>
}
export const puback = acknowledgement("puback")
export const pubrec = acknowledgement("pubrec")
export const pubrel = acknowledgement("pubrel")
export const pubcomp = acknowledgement("pubcomp")

export type RequestWords = Partial<Omit<SubscribeRequest, "filter">> & { readonly filter: string }

/** A SUBSCRIBE, at QoS 2 unless told. */
export function subscribe(
  id: number,
  requests: string | readonly RequestWords[],
  subscriptionIdentifier?: number,
): Subscribe {
  const words = typeof requests === "string" ? [{ filter: requests }] : requests
  return {
    type: "subscribe",
    packetId: packetId(id),
    requests: words.map((each) => ({
      qos: 2,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      ...each,
    })),
    properties:
      subscriptionIdentifier === undefined ? {} : { subscriptionIdentifiers: [subscriptionIdentifier] },
  }
}

export function unsubscribe(id: number, ...filters: readonly string[]): Unsubscribe {
  return { type: "unsubscribe", packetId: packetId(id), filters, properties: {} }
}

export const pingreq: Packet = { type: "pingreq" }

export function disconnect(
  reasonCode: ReasonCode = ReasonCode.normalDisconnection,
  sessionExpiryInterval?: number,
): Packet {
  const properties = sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval }
  return { type: "disconnect", reasonCode, properties }
}

export type WillWords = Partial<Omit<WillFields, "payload">> & {
  readonly topic: string
  readonly payload?: string | Uint8Array
}

/** What a test says of a CONNECT. */
export type ConnectWords = Partial<Omit<Connect, "type" | "version" | "will" | "password">> & {
  readonly will?: WillWords
  readonly password?: string
}

/** For a CONNECT whose session is to last, in whatever version. */
export const lasting = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } } as const

/** A CONNECT with a clean start and no keep alive, unless told. */
export function connect(version: ProtocolVersion, words: ConnectWords = {}): Connect {
  const { will, password, ...rest } = words
  return {
    type: "connect",
    version,
    bridge: false,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: "client",
    username: undefined,
    properties: {},
    ...rest,
    password: password === undefined ? undefined : new TextEncoder().encode(password),
    will: will === undefined ? undefined : willOf(will),
  }
}

function willOf({ payload = "", ...rest }: WillWords): WillFields {
  return {
    qos: 0,
    retain: false,
    properties: {},
    ...rest,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
  }
}

/** What an application sees of the PUBLISHes among these packets. */
export function payloads(packets: readonly Packet[]): string[] {
  return publishes(packets).map(({ payload }) => new TextDecoder().decode(payload))
}

export function publishes(packets: readonly Packet[]): Publish[] {
  return packets.filter((packet) => packet.type === "publish")
}

export const allVersions = [3, 4, 5] as const satisfies readonly ProtocolVersion[]
export const allQos = [0, 1, 2] as const satisfies readonly Qos[]

/** The name of a version in the name of a test. */
export function named(version: ProtocolVersion): string {
  return { 3: "MQTT 3.1", 4: "MQTT 3.1.1", 5: "MQTT 5.0" }[version]
}
