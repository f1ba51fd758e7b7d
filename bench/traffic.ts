import type { ProtocolVersion } from "../src/protocol/packet.ts"
import { noProperties } from "../src/protocol/properties.ts"
import type { Transport } from "./scenario-kinds.ts"

/** What most traffic has in common: small messages of MQTT 3.1.1 over TCP, each for one subscriber. */
export const plainTraffic = {
  payloadBytes: 64,
  fanOut: 1,
  bystanders: [] as readonly (readonly string[])[],
  transport: "tcp" as Transport,
  publisherVersion: (): ProtocolVersion => 4,
  subscriberVersion: (): ProtocolVersion => 4,
  properties: noProperties,
  aliases: false,
  named: false,
  persistent: false,
} as const

/** A topic, or a filter, of a client's own. */
export function own(index: number): string[] {
  return [`bench/${digits(index, 4)}`]
}

/** Plants and lines of the crossings, numbered with two digits. */
const crossed = 100

/**
 * 9,900 topics, from another place on for each publisher: every plant with every line of another number, so that each
 * topic has the two subscribers of `crossingFilters` and not one twice.
 */
export function crossings(publisher: number): string[] {
  const topics: string[] = []
  for (let step = 0; step < crossed; step++) {
    for (let line = 0; line < crossed; line++) {
      const plant = (line * 7 + step + publisher) % crossed
      if (plant !== line) topics.push(`plant/${digits(plant, 2)}/line/${digits(line, 2)}/pressure`)
    }
  }
  return topics
}

export function crossingFilters(subscriber: number): string[] {
  return [`plant/${digits(subscriber, 2)}/#`, `plant/+/line/${digits(subscriber, 2)}/+`]
}

/**
 * Filters that match none of the crossings, one list for each client that holds them: half of them in another tree,
 * half along the same levels up to the last one, so that they are in the way.
 */
export function crossingBystanders(clients: number, filtersEach: number): string[][] {
  return Array.from({ length: clients }, (_, client) =>
    Array.from({ length: filtersEach }, (_, place) => {
      const number = client * filtersEach + place
      if (number % 2 === 0) return `other/+/x/${number}/#`
      return `plant/+/line/${digits(number % crossed, 2)}/humidity/${number}`
    }),
  )
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, "0")
}
