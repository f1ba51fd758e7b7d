import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import {
  parseTopicFilter,
  type TopicFilter,
  topicMatches,
  type TopicName,
} from "../../../src/protocol/topic.ts"
import { RightsTree } from "../../../src/security/access/rights-tree.ts"

const words = ["a", "b", "", "$", "other"]

/**
 * Every topic of up to four levels: one more than the filters have, of one word that they have not. The empty one, which
 * nobody can publish to, counts as well.
 */
const topics = [1, 2, 3, 4].flatMap((levels) =>
  Array.from({ length: words.length ** levels }, (_, number) =>
    Array.from(
      { length: levels },
      (_level, at) => words[Math.floor(number / words.length ** at) % words.length],
    ),
  ).map((topic) => topic.join("/") as TopicName),
)

const filter: fc.Arbitrary<TopicFilter> = fc
  .tuple(
    fc.array(fc.constantFrom("a", "b", "", "$", "+", "+"), { maxLength: 3 }),
    fc.constantFrom([], [], ["#"]),
  )
  .map(([levels, rest]) => parseTopicFilter([...levels, ...rest].slice(0, 3).join("/")))
  .filter((each) => each !== undefined)

const filters = fc.array(filter, { maxLength: 8 })

function treeOf(all: readonly TopicFilter[]): RightsTree {
  const tree = new RightsTree()
  for (const [index, each] of all.entries()) tree.put(each, 1 << index)
  return tree
}

/** The bits of the filters that pass. */
function bits(all: readonly TopicFilter[], passes: (each: TopicFilter) => boolean): number {
  return all.reduce((sum, each, index) => sum | (passes(each) ? 1 << index : 0), 0)
}

describe("A tree of rights finds", () => {
  test("the filters that match a topic", () => {
    fc.assert(
      fc.property(filters, fc.constantFrom(...topics), (all, topic) => {
        expect(treeOf(all).matching(topic)).toBe(bits(all, (each) => topicMatches(each, topic)))
      }),
    )
  })

  test("the filters that have a topic in common with another", () => {
    fc.assert(
      fc.property(filters, filter, (all, asked) => {
        const matched = topics.filter((topic) => topicMatches(asked, topic))
        const meets = (each: TopicFilter) => matched.some((topic) => topicMatches(each, topic))
        expect(treeOf(all).meeting(asked)).toBe(bits(all, meets))
      }),
    )
  })

  test("the filters that match every topic of another", () => {
    fc.assert(
      fc.property(filters, filter, (all, asked) => {
        const matched = topics.filter((topic) => topicMatches(asked, topic))
        const covers = (each: TopicFilter) => matched.every((topic) => topicMatches(each, topic))
        expect(treeOf(all).covering(asked)).toBe(bits(all, covers))
      }),
    )
  })

  test("a literal for the very words alone", () => {
    const tree = new RightsTree()
    const [hash, plus] = ["#", "+/#"].map((text) => parseTopicFilter(text) ?? ("" as TopicFilter))
    if (hash === undefined || plus === undefined) throw new Error("two filters")
    tree.putLiteral(hash, 1)
    tree.putLiteral(hash, 2)
    expect([tree.meeting(hash), tree.covering(hash)]).toEqual([3, 3])
    expect([tree.meeting(plus), tree.covering(plus)]).toEqual([0, 0])
  })

  test("an answer without walking the tree again and again", () => {
    const tree = new RightsTree()
    for (let number = 0; number < 2 ** 12; number++) {
      const levels = Array.from({ length: 12 }, (_, at) => ((number >> at) & 1 ? "+" : "a"))
      const each = parseTopicFilter(`${levels.join("/")}/#`)
      if (each !== undefined) tree.put(each, 1)
    }
    const asked = parseTopicFilter("+/".repeat(127) + "+")
    expect(asked === undefined ? 0 : tree.covering(asked)).toBe(1)
  })
})
