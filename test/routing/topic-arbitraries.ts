import * as fc from "fast-check"
import {
  parseTopicFilter,
  parseTopicName,
  type TopicFilter,
  type TopicName,
} from "../../src/protocol/topic.ts"

// Few levels and few words, so that filters meet topics often; empty ones and those with `$` among them.
const word = fc.constantFrom("a", "b", "", "$", "$a", "ä")

export const topicName: fc.Arbitrary<TopicName> = fc
  .array(word, { minLength: 1, maxLength: 4 })
  .map((levels) => parseTopicName(levels.join("/")))
  .filter((topic) => topic !== undefined)

export const topicFilter: fc.Arbitrary<TopicFilter> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: word }, { weight: 1, arbitrary: fc.constant("+") }), {
      maxLength: 4,
    }),
    fc.boolean(),
  )
  .map(([levels, rest]) => parseTopicFilter([...levels, ...(rest ? ["#"] : [])].join("/")))
  .filter((filter) => filter !== undefined)
