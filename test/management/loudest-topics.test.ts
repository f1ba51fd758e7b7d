import { expect, test } from "bun:test"
import { LoudestTopics } from "../../src/management/loudest-topics.ts"

test("a loud topic is found among more names than are kept", () => {
  const topics = new LoudestTopics()
  for (let index = 0; index < 100_000; index++) {
    topics.add(`quiet/${index}`, 1)
    if (index % 10 === 0) topics.add("loud", 5)
  }
  expect(topics.top(1)).toEqual([{ topic: "loud", messages: 10_000, bytes: 50_000 }])
  expect(topics.top(1_000_000).length).toBeLessThanOrEqual(4_096)
})

test("names that are very long are cut, and counted as one where they begin alike", () => {
  const topics = new LoudestTopics()
  for (const end of ["a", "b"]) topics.add("x".repeat(60_000) + end, 1)
  const [loudest] = topics.top(2)
  expect(loudest).toEqual({ topic: `${"x".repeat(512)}…`, messages: 2, bytes: 2 })
})
