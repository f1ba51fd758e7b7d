import { flows } from "./flows.ts"
import {
  brokers,
  type ConnectionStorm,
  type Flow,
  type Idle,
  type OfflineDrain,
  type OpenLoop,
  plainBroker,
  type Retained,
} from "./scenario-kinds.ts"
import { own, plainTraffic } from "./traffic.ts"

/** One kind of work for a broker. */
export type Scenario = Flow | OpenLoop | Retained | OfflineDrain | ConnectionStorm | Idle

const steady = {
  ...plainTraffic,
  kind: "open-loop",
  unit: "message",
  group: "latency",
  peers: brokers,
  brokerNeeds: { ...plainBroker, promptly: true },
  publishers: 100,
  subscribers: 100,
  topics: own,
  filters: own,
  publishesPerSecond: 40_000,
} as const

/** Every row of the bench, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  ...flows,
  "latency-0": { ...steady, what: "QoS 0, 100 pairs, 40,000 a second", qos: 0 },
  "latency-1": { ...steady, what: "QoS 1, 100 pairs, 40,000 a second", qos: 1 },
  "latency-fan-out": {
    ...steady,
    what: "QoS 0, 1 to 100, 20,000 deliveries a second",
    qos: 0,
    publishers: 1,
    fanOut: 100,
    topics: () => ["bench/all"],
    filters: () => ["bench/all"],
    publishesPerSecond: 200,
  },
  retained: {
    kind: "retained",
    what: "100,000 retained messages, taken by one subscriber after the other",
    unit: "message",
    group: "start-up and rest",
    peers: brokers,
    brokerNeeds: plainBroker,
    messages: 100_000,
    payloadBytes: 64,
  },
  "offline-drain": {
    kind: "offline-drain",
    what: "QoS 1, 10 sessions come back for 20,000 messages each",
    unit: "message",
    group: "start-up and rest",
    peers: brokers,
    brokerNeeds: { ...plainBroker, queuedMessages: 20_000 },
    clients: 10,
    messagesEach: 20_000,
    payloadBytes: 64,
  },
  "connection-storm": {
    kind: "connection-storm",
    what: "connect, subscribe, disconnect; 200 at a time",
    unit: "connection",
    group: "start-up and rest",
    peers: brokers,
    brokerNeeds: { ...plainBroker, connections: 400 },
    batch: 200,
  },
  idle: {
    kind: "idle",
    what: "10,000 connections, one subscription each",
    unit: "connection",
    group: "start-up and rest",
    peers: brokers,
    brokerNeeds: { ...plainBroker, connections: 10_000 },
    connections: 10_000,
  },
}
