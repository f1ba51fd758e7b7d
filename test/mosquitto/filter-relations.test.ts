import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type TopicFilter, topicMatches } from "../../src/protocol/topic.ts"
import { commonFilter, filterCovers, filtersMeet } from "../../src/mosquitto/filter-relations.ts"
import { topicFilter, topicName } from "../routing/topic-arbitraries.ts"

describe("two topic filters", () => {
  test("have a common one that matches what both match, or nothing in common", () => {
    fc.assert(
      fc.property(topicFilter, topicFilter, topicName, (one, other, topic) => {
        const common = commonFilter(one, other)
        const both = topicMatches(one, topic) && topicMatches(other, topic)
        expect(common !== undefined && topicMatches(common as TopicFilter, topic)).toBe(both)
        expect(filtersMeet(one, other)).toBe(common !== undefined)
      }),
      { numRuns: 1000 },
    )
  })

  test("cover each other only where what the one matches is matched by the other", () => {
    fc.assert(
      fc.property(topicFilter, topicFilter, topicName, (wide, narrow, topic) => {
        if (filterCovers(wide, narrow) && topicMatches(narrow, topic))
          expect(topicMatches(wide, topic)).toBe(true)
      }),
      { numRuns: 1000 },
    )
    expect(filterCovers("a/+/#", "a/b/c")).toBe(true)
    expect(filterCovers("a/#", "a")).toBe(true)
    expect(filterCovers("a/+", "a/#")).toBe(false)
    expect(filterCovers("#", "$SYS/#")).toBe(false)
  })

  test("with a placeholder meet whatever may stand there, and have no common one with a word", () => {
    expect(filtersMeet("a/${username}/c", "a/b/+")).toBe(true)
    expect(filtersMeet("a/${username}/c", "a/b/d")).toBe(false)
    expect(filterCovers("a/+", "a/${username}")).toBe(true)
    expect(filterCovers("a/${username}", "a/b")).toBe(false)
    expect(commonFilter("a/${username}", "a/+")).toBe("a/${username}")
    expect(commonFilter("a/${username}", "a/b")).toBeUndefined()
  })
})
