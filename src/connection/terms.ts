import type { Publisher } from "../protocol/message.ts"
import type { ClientId } from "../protocol/packet.ts"
import type { PublishTerms } from "../protocol/shared-publish.ts"
import type { Requester } from "../security/requester.ts"

/** What CONNECT and CONNACK settled between a client and us, for as long as their connection lasts. */
export interface Terms extends PublishTerms {
  readonly clientId: ClientId
  readonly principal: Requester
  /** It speaks as a bridge of the Mosquitto family does: messages keep RETAIN, and none of its own come back. */
  readonly bridge: boolean
  /** Named in every message the client publishes. */
  readonly publisher: Publisher
  /** It began without what was left of a session [3.1.2.4]. */
  readonly cleanStart: boolean
  /** One and a half keep alives of silence end the connection [MQTT-3.1.2-22]; Infinity for a keep alive of 0. */
  readonly silenceLimitMs: number
  /** QoS 1 and 2 messages the client takes at once: its Receive Maximum or our limit, whichever is lower. */
  readonly receiveMaximum: number
  /** Topic aliases we may give it; 0 for none [3.1.2.11.5]. */
  readonly topicAliasMaximum: number
  /** False: reason strings only where the client cannot refuse them [3.1.2.11.7]. */
  readonly wantsProblemInformation: boolean
  /** What CONNECT asked for, which decides what DISCONNECT may ask for [3.14.2.2.2]. */
  readonly sessionExpiryIntervalSeconds: number
}

/** The settings that shape connections. */
export interface ConnectionLimits {
  readonly connections: number
  readonly packetBytes: number
  /** Longest CONNECT, taken from strangers before they have proven anything. */
  readonly connectPacketBytes: number
  readonly clientIdBytes: number
  readonly connectTimeoutMs: number
  /** New connections a second; 0: any number. */
  readonly connectionRate: number
  /** The same of one address; this machine's own are not held to it. */
  readonly connectionRatePerAddress: number
  /** Connections that have not said CONNECT, at a time. */
  readonly halfOpen: number
  /** The same of one address; 0: any number. This machine's own are not held to it. */
  readonly halfOpenPerAddress: number
  /** A client that publishes more is slowed; 0: any number. */
  readonly messagesPerSecond: number
  /** Messages of QoS 1 and 2 that may be in flight to one client, whatever more it allows. */
  readonly inFlight: number
  /** QoS 1 and 2 messages we take from one client before it must wait for us [3.2.2.3.3]. */
  readonly receiveMaximum: number
  readonly topicAliases: number
  readonly topicAliasesOut: number
  readonly subscriptionsPerClient: number
  readonly maximumQos: 0 | 1 | 2
  readonly retainAvailable: boolean
  readonly wildcardSubscriptionAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
  /** Longest keep alive; 0: as the client wishes [3.2.2.3.14]. */
  readonly keepAliveMaximumSeconds: number
  readonly sessionExpiryMaximumSeconds: number
  /** Longest life of a message; 0: as its publisher wishes. */
  readonly messageExpiryMaximumSeconds: number
  /** What becomes of a client that publishes what it may not: it is told so, if at all, or its connection is closed. */
  readonly refusedPublish: "answer" | "close"
  /** Empty: none [3.2.2.3.15]. */
  readonly responseInformation: string
  /** Where clients are sent when they are told to use another server; empty: nowhere [3.14.2.2.5]. */
  readonly serverReference: string
}
