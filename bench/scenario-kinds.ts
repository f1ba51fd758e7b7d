import type { ProtocolVersion, Qos } from "../src/protocol/packet.ts"
import type { PropertiesOf } from "../src/protocol/properties.ts"

/** What every scenario tells the runner. */
export interface ScenarioFacts {
  /** One line for the table. */
  readonly what: string
  /** What is counted. */
  readonly unit: "message" | "connection"
  readonly group: "throughput" | "one at a time" | "durable" | "latency" | "start-up and rest"
  /** Who is able to take part, by name. */
  readonly peers: "all" | readonly string[]
  readonly brokerNeeds: BrokerNeeds
}

/** How a peer has to be started. */
export interface BrokerNeeds {
  /** On disk. */
  readonly stores: boolean
  readonly tls: boolean
  readonly webSocket: boolean
  /** That wait for one client; more than some brokers allow unless told. */
  readonly queuedMessages?: number
  readonly connections?: number
  /** Small packets are to leave at once (TCP_NODELAY), where a broker would not do so unless told. */
  readonly promptly?: boolean
  /** Knows the users of access.ts and holds them to their rules. */
  readonly accessRules?: boolean
}

export const plainBroker: BrokerNeeds = { stores: false, tls: false, webSocket: false }

/** Who speaks MQTT 3.1.1 with QoS 0 and 1; "all" means the forwarder too. */
export const brokers = ["bantam", "mosquitto", "aedes", "nats"]

export type Transport = "tcp" | "tls" | "webSocket"

/** Who publishes what to whom, and in which tongue. */
export interface Traffic {
  readonly publishers: number
  readonly subscribers: number
  readonly qos: Qos
  readonly payloadBytes: number
  /** How many subscribers get each message; the same for all of them. */
  readonly fanOut: number
  /** Topics that a publisher takes in turn, all of one length. */
  topics(publisher: number): readonly string[]
  filters(subscriber: number): readonly string[]
  /** Filters that match nothing; each list belongs to one more client. */
  readonly bystanders: readonly (readonly string[])[]
  readonly transport: Transport
  publisherVersion(index: number): ProtocolVersion
  subscriberVersion(index: number): ProtocolVersion
  /** Of each PUBLISH of MQTT 5.0. */
  readonly properties: PropertiesOf<"publish">
  /** Publishers send topic aliases, and subscribers take them. */
  readonly aliases: boolean
  /** Clients say who they are: the users of access.ts. */
  readonly named: boolean
  /** The subscribers' sessions outlive their connections. */
  readonly persistent: boolean
}

/** Closed loop: a publisher sends on when its messages have arrived, so a broker is as busy as it can be. */
export interface Flow extends ScenarioFacts, Traffic {
  readonly kind: "flow"
  /** Messages of one publisher on their way at a time: few enough that no broker drops any. */
  readonly window: number
}

/** Open loop: messages are due at fixed times, whatever the broker does, and tell how late they came. */
export interface OpenLoop extends ScenarioFacts, Traffic {
  readonly kind: "open-loop"
  /** Of all publishers together. */
  readonly publishesPerSecond: number
}

/** Subscribers that take everything retained, a fresh one each time. */
export interface Retained extends ScenarioFacts {
  readonly kind: "retained"
  readonly messages: number
  readonly payloadBytes: number
}

/** Sessions that were away come back for what has queued up for them. */
export interface OfflineDrain extends ScenarioFacts {
  readonly kind: "offline-drain"
  readonly clients: number
  readonly messagesEach: number
  readonly payloadBytes: number
}

/** Clients that connect, subscribe and leave. */
export interface ConnectionStorm extends ScenarioFacts {
  readonly kind: "connection-storm"
  /** At a time: below the 512 that a listener's backlog takes. */
  readonly batch: number
}

/** Connections that say nothing once they have subscribed. */
export interface Idle extends ScenarioFacts {
  readonly kind: "idle"
  readonly connections: number
}
