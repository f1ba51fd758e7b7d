import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { isEven, type Parties, Topology } from "../../cli/bench/topology.ts"
import {
  parseSubscriptionFilter,
  parseTopicName,
  topicMatches,
  wireTopicLimits,
} from "../../src/protocol/topic.ts"

const parties = fc
  .record({
    publishers: fc.integer({ min: 1, max: 12 }),
    subscribers: fc.integer({ min: 0, max: 12 }),
    topics: fc.integer({ min: 1, max: 12 }),
    hearing: fc.constantFrom("all", "apart", "shared"),
  })
  .filter(isEven)

/** Subscribers whose filters match a topic, by the broker's own rules; a share group counts as one. */
function hearers(topology: Topology, { subscribers, hearing }: Parties, text: string): number[] {
  const topic = parseTopicName(text, wireTopicLimits)
  if (topic === undefined) throw new Error(`${text} is no topic`)
  const found = [...Array(subscribers).keys()].filter((subscriber) =>
    topology.filtersOf(subscriber).some((filter) => {
      const parsed = parseSubscriptionFilter(filter, wireTopicLimits)
      return parsed !== undefined && topicMatches(parsed.filter, topic)
    }),
  )
  return hearing === "shared" ? found.slice(0, 1) : found
}

describe("who publishes what to whom", () => {
  test("every message has as many subscribers as it says", () => {
    fc.assert(
      fc.property(parties, (given) => {
        const topology = new Topology(given, "bench/x")
        for (let publisher = 0; publisher < given.publishers; publisher++) {
          const topics = topology.topicsOf(publisher)
          expect(topics.length).toBeGreaterThan(0)
          for (const topic of topics) expect(hearers(topology, given, topic)).toHaveLength(topology.fanOut)
        }
      }),
    )
  })

  test("every topic is published to, and all have one length", () => {
    fc.assert(
      fc.property(parties, (given) => {
        const topology = new Topology(given, "bench/x")
        const all = [...Array(given.publishers).keys()].flatMap((publisher) => topology.topicsOf(publisher))
        expect(new Set(all).size).toBe(given.topics)
        expect(new Set(all.map((topic) => topic.length)).size).toBe(1)
      }),
    )
  })

  test("a subscriber tells publisher and topic by the lane alone, and has room for each", () => {
    fc.assert(
      fc.property(
        parties.filter(({ subscribers }) => subscribers > 0),
        (given) => {
          const topology = new Topology(given, "bench/x")
          const seen = [...Array(given.subscribers).keys()].map(() => new Set<number>())
          for (let publisher = 0; publisher < given.publishers; publisher++) {
            const lanes = topology.lanesOf(publisher)
            for (const [place, topic] of topology.topicsOf(publisher).entries()) {
              const lane = lanes[place] ?? -1
              expect(lane).toBeWithin(0, topology.lanes)
              for (const subscriber of hearers(topology, given, topic)) {
                expect(seen[subscriber]?.has(lane)).toBe(false)
                seen[subscriber]?.add(lane)
              }
            }
          }
        },
      ),
    )
  })
})
