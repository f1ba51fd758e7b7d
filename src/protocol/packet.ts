import type { Brand } from "../foundation/brand.ts"
import type { PropertiesOf } from "./properties.ts"
import type { ReasonCode } from "./reason-code.ts"

/** 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0 [3.1.2.2]. */
export type ProtocolVersion = 3 | 4 | 5

/** By the number that CONNECT carries, as people say it. */
export const protocolVersionNames = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as const satisfies Record<
  ProtocolVersion,
  string
>

/** A Session Expiry Interval that never comes [3.1.2.11.2]. */
export const neverExpires = 0xffff_ffff

export type Qos = 0 | 1 | 2

/** 1 to 65,535; names a conversation between two ends until it is over [2.2.1]. */
export type PacketId = Brand<number, "PacketId">

/** Names a client and its session. Made by the CONNECT decoder or assigned by the broker. */
export type ClientId = Brand<string, "ClientId">

/** The message a client wants published should its connection end without a farewell [3.1.2.5]. */
export interface WillFields {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PropertiesOf<"will">
}

export interface Connect {
  readonly type: "connect"
  readonly version: ProtocolVersion
  /** A bridge of the Mosquitto family sets the top bit of the version: it wants no echo of its own. */
  readonly bridge: boolean
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  /** As sent: empty when the client leaves the choice to us. */
  readonly clientId: string
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly will: WillFields | undefined
  readonly properties: PropertiesOf<"connect">
}

export interface Connack {
  readonly type: "connack"
  readonly sessionPresent: boolean
  readonly reasonCode: ReasonCode
  readonly properties: PropertiesOf<"connack">
}

/** A PUBLISH with everything on it, for the client and the tests; the broker's own way is publish-reader.ts and shared-publish.ts. */
export interface Publish {
  readonly type: "publish"
  readonly qos: Qos
  readonly dup: boolean
  readonly retain: boolean
  /** Empty when a topic alias stands for it [3.3.2.3.4]. */
  readonly topic: string
  /** Present when the QoS is above 0. */
  readonly packetId: PacketId | undefined
  readonly payload: Uint8Array
  readonly properties: PropertiesOf<"publish">
}

export interface Acknowledgement<Type extends "puback" | "pubrec" | "pubrel" | "pubcomp"> {
  readonly type: Type
  readonly packetId: PacketId
  readonly reasonCode: ReasonCode
  readonly properties: PropertiesOf<Type>
}
export type Puback = Acknowledgement<"puback">
export type Pubrec = Acknowledgement<"pubrec">
export type Pubrel = Acknowledgement<"pubrel">
export type Pubcomp = Acknowledgement<"pubcomp">

/** 0: send retained messages at each subscribe, 1: only for a new subscription, 2: never [3.8.3.1]. */
export type RetainHandling = 0 | 1 | 2

export interface SubscribeRequest {
  /** As sent, `$share/…` included; topic.ts tells whether it is valid. */
  readonly filter: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: RetainHandling
}

export interface Subscribe {
  readonly type: "subscribe"
  readonly packetId: PacketId
  readonly requests: readonly SubscribeRequest[]
  readonly properties: PropertiesOf<"subscribe">
}

export interface Suback {
  readonly type: "suback"
  readonly packetId: PacketId
  readonly reasonCodes: readonly ReasonCode[]
  readonly properties: PropertiesOf<"suback">
}

export interface Unsubscribe {
  readonly type: "unsubscribe"
  readonly packetId: PacketId
  readonly filters: readonly string[]
  readonly properties: PropertiesOf<"unsubscribe">
}

export interface Unsuback {
  readonly type: "unsuback"
  readonly packetId: PacketId
  /** Empty before MQTT 5.0, whose UNSUBACK has no payload. */
  readonly reasonCodes: readonly ReasonCode[]
  readonly properties: PropertiesOf<"unsuback">
}

export interface Pingreq {
  readonly type: "pingreq"
}

export interface Pingresp {
  readonly type: "pingresp"
}

export interface Disconnect {
  readonly type: "disconnect"
  readonly reasonCode: ReasonCode
  readonly properties: PropertiesOf<"disconnect">
}

export interface Auth {
  readonly type: "auth"
  readonly reasonCode: ReasonCode
  readonly properties: PropertiesOf<"auth">
}

/** The fifteen control packets [2.1.2]. */
export type Packet =
  | Connect
  | Connack
  | Publish
  | Puback
  | Pubrec
  | Pubrel
  | Pubcomp
  | Subscribe
  | Suback
  | Unsubscribe
  | Unsuback
  | Pingreq
  | Pingresp
  | Disconnect
  | Auth

export type PacketType = Packet["type"]

/** The number of each packet in the upper half of its first byte [2.1.2]. */
export const packetTypeNumber = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const satisfies Record<PacketType, number>

/** The lower half of its first byte, reserved and fixed in each packet but PUBLISH [2.1.3]. */
export const fixedHeaderFlags = {
  connect: 0,
  connack: 0,
  puback: 0,
  pubrec: 0,
  pubrel: 2,
  pubcomp: 0,
  subscribe: 2,
  suback: 0,
  unsubscribe: 2,
  unsuback: 0,
  pingreq: 0,
  pingresp: 0,
  disconnect: 0,
  auth: 0,
} as const satisfies Record<Exclude<PacketType, "publish">, number>

/** @returns undefined for 0, the identifier that names nothing [MQTT-2.2.1-3] */
export function parsePacketId(value: number): PacketId | undefined {
  return value >= 1 && value <= 0xffff ? (value as PacketId) : undefined
}
