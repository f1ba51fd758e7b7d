import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { allVersions, named, payloads, publishes, subscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

// Each filter, the topics it reaches and those it does not.
const table: readonly (readonly [filter: string, reaches: readonly string[], not: readonly string[]])[] = [
  ["a", ["a"], ["A", "/a", "a/", "b", "aa", "a/b"]],
  ["a/b", ["a/b"], ["a", "a/b/", "a//b", "/a/b"]],
  ["+", ["a", "B", " "], ["a/b", "/", "/a", "$SYS"]],
  ["a/+", ["a/b", "a/"], ["a", "a/b/c", "b/a"]],
  ["+/+", ["a/b", "/", "/b", "a/"], ["a", "a/b/c", "$SYS/b"]],
  ["/+", ["/a", "/"], ["a", "a/b", "/a/b"]],
  ["+/b/#", ["a/b", "/b", "a/b/c", "a/b/c/d", "a/b/"], ["b", "a", "$SYS/b", "$SYS/b/c"]],
  ["a/#", ["a", "a/", "a/b", "a/b/c"], ["b", "A/b", "/a", "aa/b"]],
  ["#", ["a", "/", "a/b", "a//b"], ["$SYS", "$SYS/a", "$a", "$"]],
  ["$S/#", ["$S", "$S/a/b"], ["a", "S/a"]],
  ["$a/+", ["$a/b"], ["$a", "a/b"]],
  ["a/$b", ["a/$b"], ["a/b"]],
  ["+/$b", ["a/$b"], ["$b", "$SYS/$b"]],
  ["a/+/#", ["a/b", "a/b/c", "a/"], ["a"]],
  [" ", [" "], ["", "  "]],
  ["Ä", ["Ä"], ["ä", "A\u0308"]],
]

describe("4.7 topic names and topic filters", () => {
  for (const [filter, reaches, not] of table) {
    test(`${JSON.stringify(filter)} reaches what it says, live and retained [MQTT-4.7.1-1 to 4.7.3-4]`, async () => {
      const broker = await TestBroker.start()
      const before = await broker.connected("before")
      before.subscribes(filter)
      const publisher = await broker.connected("p")
      const publishable = [...reaches, ...not].filter((topic) => topic !== "" && !/^\$SYS(\/|$)/.test(topic))
      for (const topic of publishable) {
        publisher.publishes({ topic, payload: topic, retain: true })
      }
      const expected = reaches.filter((topic) => publishable.includes(topic)).toSorted()
      expect(payloads(before.receives()).toSorted()).toEqual(expected)
      const after = await broker.connected("after")
      after.subscribes(filter)
      expect(payloads(after.receives()).toSorted()).toEqual(expected)
    })
  }

  for (const filter of [
    "a#",
    "a/#/b",
    "#/a",
    "a+",
    "+a",
    "a/+b",
    "a/b+/c",
    "##",
    "++",
    "$share/g",
    "$share//a",
    "$share/g/",
    "$share/+/a",
    "$share/#/a",
    "$share/g/a#",
    "$share/",
  ]) {
    test(`${JSON.stringify(filter)} is no topic filter [MQTT-4.7.1-1, 4.7.1-2, 4.8.2-1, 4.8.2-2]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a")
      client.sends(subscribe(1, filter))
      expect(client.receives()).toMatchObject([{ reasonCodes: [ReasonCode.topicFilterInvalid] }])
      expect(broker.broker.subscriptions.size).toBe(0)
    })
  }

  for (const version of allVersions) {
    test(`$SYS is hidden from # and +, and there for those who name it, in ${named(version)} [MQTT-4.7.2-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes([{ filter: "#" }, { filter: "+/broker/#" }])
      const publisher = await broker.connected("p", { version })
      publisher.publishes({ topic: "$other/broker/x", payload: "hidden", retain: true })
      expect(client.receives()).toEqual([])
      client.subscribes("$other/#")
      expect(publishes(client.receives())).toMatchObject([{ topic: "$other/broker/x" }])
    })
  }
})
