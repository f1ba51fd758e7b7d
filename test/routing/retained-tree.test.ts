import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type MessageRecord, topicNameOf } from "../../src/protocol/message-record.ts"
import { type Message, noBytes, topicOf } from "../../src/protocol/message.ts"
import { topicMatches, type TopicName } from "../../src/protocol/topic.ts"
import { RetainedTree } from "../../src/routing/retained-tree.ts"
import { topicFilter, topicName } from "./topic-arbitraries.ts"

function message(topic: TopicName, bytes: number): Message {
  return {
    topic: topicOf(topic),
    payload: new Uint8Array(bytes),
    qos: 0,
    retain: true,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher: { origin: "broker", clientId: "", username: undefined },
    receivedAtMs: 0,
    counter: 0,
    hops: 0,
  }
}

const changes = fc.array(fc.tuple(topicName, fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined })), {
  maxLength: 60,
})

function grown(sequence: readonly (readonly [TopicName, number | undefined])[]) {
  const tree = new RetainedTree()
  const model = new Map<TopicName, Message>()
  for (const [topic, bytes] of sequence) {
    const next = bytes === undefined ? undefined : message(topic, bytes)
    if (next !== undefined) {
      const before = tree.bytes
      const foreseen = tree.bytesWith(next)
      tree.apply(topic, next)
      expect(tree.bytes).toBe(foreseen)
      expect(before).toBeGreaterThanOrEqual(0)
      model.set(topic, next)
    } else {
      tree.apply(topic, undefined)
      model.delete(topic)
    }
  }
  return { tree, model }
}

const nameOf = (record: MessageRecord | undefined): string =>
  record === undefined ? "" : topicNameOf(record)

describe("the retained tree", () => {
  test("finds what the specification's words match [4.7, 3.3.1.3]", () => {
    fc.assert(
      fc.property(changes, topicFilter, (sequence, filter) => {
        const { tree, model } = grown(sequence)
        const found = [...tree.match(filter)].filter((each) => each !== undefined)
        const meant = [...model.values()].filter(({ topic }) => topicMatches(filter, topic.name))
        expect(found).toHaveLength(meant.length)
        expect(new Set(found.map(topicNameOf))).toEqual(new Set(meant.map(({ topic }) => topic.name)))
      }),
      { numRuns: 1_000 },
    )
  })

  test("knows its number and its bytes, and holds nothing when all is removed", () => {
    fc.assert(
      fc.property(changes, (sequence) => {
        const { tree, model } = grown(sequence)
        const all = [...model.values()]
        expect(tree.size).toBe(all.length)
        expect(tree.bytes).toBe(
          all.reduce((sum, { topic, payload }) => sum + topic.utf8.length + payload.length, 0),
        )
        for (const [topic, each] of model) expect(tree.get(topic)).toEqual(each)
        for (const topic of model.keys()) tree.apply(topic, undefined)
        expect([tree.size, tree.bytes]).toEqual([0, 0])
        expect([...tree.match("#" as never)].filter((each) => each !== undefined)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test("may change while somebody walks it: what stays comes once, and no error with it", () => {
    const tree = new RetainedTree()
    const topics = ["a/1", "a/2", "a/3", "b/1"] as TopicName[]
    for (const topic of topics) tree.apply(topic, message(topic, 1))
    const walk = tree.match("#" as never)
    const seen: string[] = []
    while (!seen.includes("a/1")) seen.push(nameOf(walk.next().value))
    tree.apply("a/2" as TopicName, undefined)
    tree.apply("b/1" as TopicName, undefined)
    tree.apply("c" as TopicName, message("c" as TopicName, 1))
    for (const each of walk) if (each !== undefined) seen.push(topicNameOf(each))
    expect(seen.filter((topic) => topic === "a/1" || topic === "a/3")).toEqual(["a/1", "a/3"])
    expect(seen).not.toContain("a/2")
  })

  test("loses nothing behind literal levels when ways part there between two steps", () => {
    const tree = new RetainedTree()
    const put = (topic: string) => tree.apply(topic as TopicName, message(topic as TopicName, 1))
    for (const topic of ["a/b/c/1", "a/b/c/2", "z"]) put(topic)
    const walk = tree.match("a/b/c/#" as never)
    const seen = [nameOf(walk.next().value)]
    put("a/x")
    for (const each of walk) seen.push(nameOf(each))
    expect(seen.filter((topic) => topic !== "").toSorted()).toEqual(["a/b/c/1", "a/b/c/2"])
  })
})
