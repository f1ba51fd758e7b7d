import type { Qos } from "../src/protocol/packet.ts"

/** One kind of work for a broker: who publishes what to whom. */
export interface Scenario {
  readonly what: string
  readonly publishers: number
  readonly subscribers: number
  readonly qos: Qos
  /** Messages of one publisher on their way at a time: few enough that no broker drops any. */
  readonly window: number
  readonly payloadBytes: number
  /** How many subscribers get each message; the same for all of them. */
  readonly fanOut: number
  /** Topics that a publisher takes in turn, all of one length. */
  topics(publisher: number): readonly string[]
  filters(subscriber: number): readonly string[]
  /** The subscribers' sessions outlive their connections, and the broker stores on disk. */
  readonly durable: boolean
}

const usual = { payloadBytes: 64, fanOut: 1, durable: false } as const

const one = () => ["bench/all"]
const own = (index: number) => [`bench/${digits(index, 4)}`]

const pairs = {
  ...usual,
  publishers: 100,
  subscribers: 100,
  window: 100,
  topics: own,
  filters: own,
} as const

const sparse = { ...usual, publishers: 1, subscribers: 1, window: 1, topics: own, filters: own } as const

export const scenarios: Readonly<Record<string, Scenario>> = {
  "fan-out-10": {
    ...usual,
    what: "QoS 0, 1 to 10",
    publishers: 1,
    subscribers: 10,
    qos: 0,
    window: 1_000,
    fanOut: 10,
    topics: one,
    filters: one,
  },
  "fan-out-1000": {
    ...usual,
    what: "QoS 0, 1 to 1,000",
    publishers: 1,
    subscribers: 1_000,
    qos: 0,
    window: 20,
    fanOut: 1_000,
    topics: one,
    filters: one,
  },
  "fan-in": {
    ...usual,
    what: "QoS 0, 100 to 1",
    publishers: 100,
    subscribers: 1,
    qos: 0,
    window: 20,
    topics: own,
    filters: () => ["bench/+"],
  },
  "pairs-0": { ...pairs, what: "QoS 0, 100 pairs", qos: 0 },
  "pairs-1": { ...pairs, what: "QoS 1, 100 pairs", qos: 1 },
  "pairs-2": { ...pairs, what: "QoS 2, 100 pairs", qos: 2 },
  "sparse-0": { ...sparse, what: "QoS 0, one at a time", qos: 0 },
  "sparse-1": { ...sparse, what: "QoS 1, one at a time", qos: 1 },
  wildcards: {
    ...usual,
    what: "QoS 0, 9,900 topics, 200 wildcard filters",
    publishers: 10,
    subscribers: 100,
    qos: 0,
    window: 200,
    fanOut: 2,
    topics: crossings,
    filters: (subscriber) => [`plant/${digits(subscriber, 2)}/#`, `plant/+/line/${digits(subscriber, 2)}/+`],
  },
  durable: { ...pairs, what: "QoS 1, 100 pairs, persistent sessions on disk", qos: 1, durable: true },
}

/** Every plant with every line of another number, so that each topic has two subscribers and not one twice. */
function crossings(publisher: number): string[] {
  const topics: string[] = []
  for (let step = 1; step < 100; step++) {
    for (let line = 0; line < 100; line++) {
      const plant = (line * 7 + step + publisher) % 100
      if (plant !== line) topics.push(`plant/${digits(plant, 2)}/line/${digits(line, 2)}/pressure`)
    }
  }
  return topics
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, "0")
}
