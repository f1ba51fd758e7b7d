import type { ProtocolVersion } from "../src/protocol/packet.ts"
import type { UserProperty } from "../src/protocol/properties.ts"
import { brokers, type Flow, plainBroker } from "./scenario-kinds.ts"
import { crossingBystanders, crossingFilters, crossings, own, plainTraffic } from "./traffic.ts"

const withQos2 = ["bantam", "mosquitto", "aedes"]
const withMqtt5 = ["bantam", "mosquitto"]

const usual = {
  ...plainTraffic,
  kind: "flow",
  unit: "message",
  group: "throughput",
  peers: brokers,
  brokerNeeds: plainBroker,
} as const

const one = () => ["bench/all"]

const pairs = {
  ...usual,
  publishers: 100,
  subscribers: 100,
  qos: 0,
  window: 100,
  topics: own,
  filters: own,
} as const

const fanOut = { ...usual, publishers: 1, qos: 0, topics: one, filters: one } as const

const sparse = {
  ...usual,
  group: "one at a time",
  publishers: 1,
  subscribers: 1,
  window: 1,
  topics: own,
  filters: own,
} as const

const durable = {
  ...pairs,
  group: "durable",
  qos: 1,
  persistent: true,
  brokerNeeds: { ...plainBroker, stores: true },
} as const

const fifth = (): ProtocolVersion => 5

const userProperties: readonly UserProperty[] = [
  ["unit", "hectopascal"],
  ["site", "plant-seven"],
  ["trace", "0af7651916cd43dd8448eb211c80319c"],
]

/** The rows where publishers send on as soon as their messages have arrived. */
export const flows: Readonly<Record<string, Flow>> = {
  "fan-out-10": {
    ...fanOut,
    what: "QoS 0, 1 to 10",
    peers: "all",
    subscribers: 10,
    fanOut: 10,
    window: 1_000,
  },
  "fan-out-1000": {
    ...fanOut,
    what: "QoS 0, 1 to 1,000",
    peers: "all",
    subscribers: 1_000,
    fanOut: 1_000,
    window: 100,
  },
  "fan-out-100-1": { ...fanOut, what: "QoS 1, 1 to 100", subscribers: 100, fanOut: 100, qos: 1, window: 100 },
  "fan-out-100-2": {
    ...fanOut,
    what: "QoS 2, 1 to 100",
    peers: withQos2,
    subscribers: 100,
    fanOut: 100,
    qos: 2,
    window: 100,
  },
  "fan-in": {
    ...usual,
    what: "QoS 0, 100 to 1",
    peers: "all",
    publishers: 100,
    subscribers: 1,
    qos: 0,
    window: 100,
    topics: own,
    filters: () => ["bench/+"],
  },
  "pairs-0": { ...pairs, what: "QoS 0, 100 pairs", peers: "all" },
  "pairs-1": { ...pairs, what: "QoS 1, 100 pairs", qos: 1 },
  rules: {
    ...pairs,
    what: "QoS 0, 100 pairs, each held to its own of 10,000 access rules",
    peers: ["bantam"],
    named: true,
    brokerNeeds: { ...plainBroker, stores: true, accessRules: true },
  },
  "pairs-2": { ...pairs, what: "QoS 2, 100 pairs", peers: withQos2, qos: 2 },
  "shared-0": {
    ...pairs,
    what: "QoS 0, 100 to a share group of 10",
    peers: withMqtt5,
    subscribers: 10,
    window: 50,
    filters: () => ["$share/members/bench/+"],
  },
  wildcards: {
    ...usual,
    what: "QoS 0, 9,900 topics, 200 wildcard filters beside 5,000 that match nothing",
    publishers: 10,
    subscribers: 100,
    qos: 0,
    window: 200,
    fanOut: 2,
    topics: crossings,
    filters: crossingFilters,
    bystanders: crossingBystanders(10, 500),
  },
  "payload-16k": {
    ...pairs,
    what: "QoS 0, 20 pairs, 16 KB each",
    peers: "all",
    publishers: 20,
    subscribers: 20,
    window: 8,
    payloadBytes: 16_384,
  },
  mixed: {
    ...pairs,
    what: "QoS 0, 100 pairs, MQTT 3.1, 3.1.1 and 5.0 with each other",
    peers: withMqtt5,
    publisherVersion: (index) => versionAt(index),
    subscriberVersion: (index) => versionAt(index + Math.floor(index / 3)),
  },
  properties: {
    ...pairs,
    what: "QoS 0, 100 pairs, MQTT 5.0, three user properties and a content type",
    peers: withMqtt5,
    publisherVersion: fifth,
    subscriberVersion: fifth,
    properties: { contentType: "application/json", userProperties },
  },
  aliases: {
    ...pairs,
    what: "QoS 0, 100 pairs, MQTT 5.0, topic aliases both ways",
    peers: withMqtt5,
    publisherVersion: fifth,
    subscriberVersion: fifth,
    aliases: true,
  },
  tls: {
    ...pairs,
    what: "QoS 0, 100 pairs over TLS",
    peers: ["bantam", "mosquitto", "nats"],
    brokerNeeds: { ...plainBroker, tls: true },
    transport: "tls",
  },
  websocket: {
    ...pairs,
    what: "QoS 0, 100 pairs over WebSocket",
    peers: ["bantam", "mosquitto", "nats"],
    brokerNeeds: { ...plainBroker, webSocket: true },
    transport: "webSocket",
  },
  "sparse-0": { ...sparse, what: "QoS 0, one at a time", peers: "all", qos: 0 },
  "sparse-1": { ...sparse, what: "QoS 1, one at a time", qos: 1 },
  durable: { ...durable, what: "QoS 1, 100 pairs, persistent sessions on disk" },
  "durable-2": { ...durable, what: "QoS 2, 100 pairs, persistent sessions on disk", peers: withQos2, qos: 2 },
  "properties-durable": {
    ...durable,
    what: "durable, through MQTT 5.0 with three user properties",
    peers: withMqtt5,
    publisherVersion: fifth,
    subscriberVersion: fifth,
    properties: { userProperties },
  },
}

function versionAt(index: number): ProtocolVersion {
  return ([3, 4, 5] as const)[index % 3] ?? 4
}
