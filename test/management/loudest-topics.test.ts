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
