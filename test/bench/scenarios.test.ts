import { describe, expect, test } from "bun:test"
import { stampBytes } from "../../src/client/belt.ts"
import type { Traffic } from "../../bench/scenario-kinds.ts"
import { scenarios } from "../../bench/scenarios.ts"
import { parseSubscriptionFilter, parseTopicName, topicMatches } from "../../src/protocol/topic.ts"

const withTraffic = Object.entries(scenarios).flatMap(([name, scenario]) =>
  "topics" in scenario ? [[name, scenario] as const] : [],
)

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Some topics of some publishers: all of them would take minutes. */
function sampleTopics({ publishers, topics }: Traffic) {
  const sampled = upTo(publishers).filter((index) => index % 9 === 0)
  const texts = sampled.flatMap((index) => topics(index).filter((_, place) => place % 997 === 0))
  return texts.map((text) => parseTopicName(text) ?? expect.unreachable(text))
}

function parse(filters: readonly string[]) {
  return filters.map((text) => parseSubscriptionFilter(text) ?? expect.unreachable(text))
}

describe.each(withTraffic)("the traffic of %s", (_, traffic) => {
  test("gives each message to as many subscriptions as it says, and to no bystander", () => {
    const members = parse(upTo(traffic.subscribers).flatMap((index) => traffic.filters(index)))
    const isShared = members.some(({ shareName }) => shareName !== undefined)
    const bystanders = parse(traffic.bystanders.flat())
    for (const topic of sampleTopics(traffic)) {
      const matching = members.filter(({ filter }) => topicMatches(filter, topic)).length
      expect(matching).toBe(isShared ? traffic.subscribers : traffic.fanOut)
      expect(bystanders.filter(({ filter }) => topicMatches(filter, topic))).toEqual([])
    }
  })

  test("has topics of one length, and room for the stamp", () => {
    for (const publisher of upTo(traffic.publishers)) {
      expect(new Set(traffic.topics(publisher).map((topic) => topic.length)).size).toBe(1)
    }
    expect(traffic.payloadBytes).toBeGreaterThanOrEqual(stampBytes)
  })
})

test("wildcards are asked of nearly 10,000 topics, beside 5,000 filters that match nothing", () => {
  const { wildcards } = scenarios
  if (wildcards?.kind !== "flow") throw new Error("wildcards is a flow")
  expect(new Set(wildcards.topics(0)).size).toBe(9_900)
  expect(new Set(wildcards.bystanders.flat()).size).toBe(5_000)
})
