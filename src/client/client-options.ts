import type { Clock } from "../foundation/clock.ts"
import type { Connect, Packet, ProtocolVersion, Publish, WillFields } from "../protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../protocol/properties.ts"
import type { ReceiverTerms } from "./receiver.ts"

/** What a client says in its CONNECT, and what it wants to be told. */
export interface ClientOptions {
  readonly version: ProtocolVersion
  /** Empty: the server chooses one, which MQTT 3.1 does not know [3.1.3.1]. */
  readonly clientId: string
  /** Default true. Clean Session before MQTT 5.0. */
  readonly cleanStart?: boolean | undefined
  /** Default 60; 0 for none. The server may set its own [3.2.2.3.14]. */
  readonly keepAliveSeconds?: number | undefined
  readonly username?: string | undefined
  readonly password?: Uint8Array | undefined
  readonly will?: WillFields | undefined
  /** Only MQTT 5.0 sends them. */
  readonly properties?: PropertiesOf<"connect"> | undefined

  /** Most PUBLISH packets on their way unacknowledged, default 1,000; the server's Receive Maximum may be less [4.9]. */
  readonly maximumInFlight?: number | undefined
  /** Most messages that may wait for their turn, default 65,535; beyond it `publish` answers quotaExceeded. */
  readonly maximumWaiting?: number | undefined
  /** Longest wait for the CONNACK, default 30,000. */
  readonly connectTimeoutMs?: number | undefined
  /** Manual: whoever gets a message at QoS 1 or 2 calls `Client.acknowledge`. Default automatic. */
  readonly acknowledge?: "automatic" | "manual" | undefined
  readonly clock?: Clock | undefined

  /** Hot. Takes each message as it comes, in order. The topic is filled in where an alias stood for it. */
  readonly onMessage?: ((publish: Publish) => void) | undefined
  /** Answers a challenge of enhanced authentication [4.12]; needs `authenticationMethod` in the properties. */
  readonly onChallenge?: ((data: Uint8Array | undefined) => Uint8Array) | undefined
  /** Sees every packet that goes and comes. */
  readonly onPacket?: ((direction: "sending" | "received", packet: Packet) => void) | undefined
}

export function connectPacket(options: ClientOptions): Connect {
  return {
    type: "connect",
    version: options.version,
    bridge: false,
    cleanStart: options.cleanStart ?? true,
    keepAliveSeconds: options.keepAliveSeconds ?? 60,
    clientId: options.clientId,
    username: options.username,
    password: options.password,
    will: options.will,
    properties: options.properties ?? noProperties,
  }
}

/** Only MQTT 5.0 announces anything. */
export function announcedProperties({ version, properties }: ClientOptions): PropertiesOf<"connect"> {
  return version === 5 && properties !== undefined ? properties : noProperties
}

export function receiverTerms(options: ClientOptions): ReceiverTerms {
  const announced = announcedProperties(options)
  return {
    receiveMaximum: announced.receiveMaximum ?? (options.version === 5 ? 65_535 : Number.POSITIVE_INFINITY),
    topicAliasMaximum: announced.topicAliasMaximum ?? 0,
    acknowledge: options.acknowledge ?? "automatic",
    onMessage: options.onMessage ?? (() => {}),
  }
}
