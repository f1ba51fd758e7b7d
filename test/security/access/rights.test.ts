import { describe, expect, test } from "bun:test"
import { identity as somebody } from "../../support/accounts.ts"
import * as fc from "fast-check"
import type { Qos } from "../../../src/protocol/packet.ts"
import {
  hasWildcard,
  parseTopicFilter,
  parseTopicName,
  type TopicFilter,
  topicMatches,
  type TopicName,
} from "../../../src/protocol/topic.ts"
import { explainAccess } from "../../../src/security/access/access-explanation.ts"
import { type AccessRule, parseAccessRule } from "../../../src/security/access/access-rule.ts"
import type { Identity } from "../../../src/security/identity.ts"
import type { Rights } from "../../../src/security/access/rights.ts"
import { type DefaultAccess, defaultAccesses, RuleBook } from "../../../src/security/access/rule-book.ts"
import { topicFilter, topicName } from "../../routing/topic-arbitraries.ts"
import { accessRule, identity } from "./access-arbitraries.ts"

const rules = fc.array(accessRule, { maxLength: 12 })
const defaultAccess = fc.constantFrom(...defaultAccesses)
const qos = fc.constantFrom<Qos[]>(0, 1, 2)

type Asked = { readonly publish: Qos; readonly retain: boolean } | "read"

/** The rules as the manual tells them, one after the other, without any of what makes them fast. */
function model(
  all: readonly AccessRule[],
  byDefault: DefaultAccess,
  who: Identity,
  topic: TopicName,
  asked: Asked,
) {
  const classes = [
    (rule: AccessRule) =>
      (rule.who.kind === "user" && rule.who.name === who.username) ||
      (rule.who.kind === "client" && rule.who.clientId === who.clientId),
    (rule: AccessRule) =>
      rule.who.kind === "group" && who.username !== undefined && who.groups.includes(rule.who.name),
    (rule: AccessRule) => rule.who.kind === "anonymous" && who.username === undefined,
    (rule: AccessRule) => rule.who.kind === "everyone",
  ]
  for (const belongs of classes) {
    const fitting = all.filter((rule) => belongs(rule) && fits(rule, who, topic, asked))
    if (fitting.some(({ effect }) => effect === "deny")) return false
    if (fitting.length > 0) return true
  }
  if (byDefault === "deny" || (byDefault === "auto" && all.length > 0)) return false
  return all.length === 0 || !topic.startsWith("$")
}

function fits(rule: AccessRule, who: Identity, topic: TopicName, asked: Asked): boolean {
  const { effect, action, from } = rule
  const deny = effect === "deny"
  if (action === (asked === "read" ? "publish" : "subscribe")) return false
  if (asked === "read" && deny && rule.qos !== undefined) return false
  if (asked !== "read" && rule.qos !== undefined && !rule.qos.includes(asked.publish)) return false
  if (asked !== "read" && rule.retain !== undefined && rule.retain !== asked.retain) return false
  if (from !== undefined && who.remoteAddress === undefined && !deny) return false
  if (from !== undefined && who.remoteAddress !== undefined && !from.contains(who.remoteAddress)) return false
  switch (rule.topic.kind) {
    case "filter":
      return topicMatches(rule.topic.filter, topic)
    case "literal":
      if (!hasWildcard(rule.topic.filter)) return (rule.topic.filter as string) === topic
      return asked === "read" && !deny && topicMatches(rule.topic.filter, topic)
    case "template": {
      const { username, clientId, certificateName, attributes } = who
      const [, name = ""] = /\$\{([\w.]+)\}/.exec(rule.topic.text) ?? []
      const values = {
        username,
        clientid: clientId,
        "cert.cn": certificateName,
        "attr.site": attributes["site"],
      }
      const used = values[name as keyof typeof values]
      if (used === undefined || /[+#/]/.test(String(used))) return false
      const filter = rule.topic.text.replace(/\$\{[\w.]+\}/, () => String(used))
      if (filter.startsWith("$")) return false
      return topicMatches(filter as TopicFilter, topic)
    }
  }
}

function rightsOf(all: readonly AccessRule[], byDefault: DefaultAccess, who: Identity): Rights {
  return new RuleBook(all, byDefault).rightsOf(who, () => {})
}

const everyTopic = fc.sample(topicName, { numRuns: 400, seed: 1 })

describe("What a client may do", () => {
  test("with a topic is what the rules say one by one, asked once or twice", () => {
    fc.assert(
      fc.property(rules, defaultAccess, identity, fc.array(topicName), (all, byDefault, who, topics) => {
        fc.pre(new RuleBook(all, byDefault).limits)
        const rights = rightsOf(all, byDefault, who)
        for (const topic of [...topics, ...topics]) {
          expect(rights.mayRead(topic)).toBe(model(all, byDefault, who, topic, "read"))
          for (const each of [0, 1, 2] as const) {
            for (const retain of [false, true]) {
              const expected = model(all, byDefault, who, topic, { publish: each, retain })
              expect(rights.mayPublish(topic, each, retain)).toBe(expected)
            }
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test("never lets it subscribe to what it may not read", () => {
    let granted = 0
    fc.assert(
      fc.property(rules, defaultAccess, identity, topicFilter, qos, (all, byDefault, who, filter, at) => {
        const rights = rightsOf(all, byDefault, who)
        if (!rights.maySubscribe(filter, at)) return
        granted += 1
        for (const topic of everyTopic) {
          if (topicMatches(filter, topic)) expect(rights.mayRead(topic)).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
    expect(granted).toBeGreaterThan(50)
  })

  test("is explained as it is decided", () => {
    fc.assert(
      fc.property(
        fc.record({
          all: rules,
          byDefault: defaultAccess,
          who: identity,
          topic: topicName,
          filter: topicFilter,
        }),
        qos,
        fc.boolean(),
        ({ all, byDefault, who, topic, filter }, at, retain) => {
          const rights = rightsOf(all, byDefault, who)
          const kept = all.map((rule) => ({ rule }))
          const explained = (question: Parameters<typeof explainAccess>[3]) =>
            explainAccess(kept, byDefault, who, question).allowed
          fc.pre(new RuleBook(all, byDefault).limits)
          expect(explained({ action: "publish", topic, qos: at, retain })).toBe(
            rights.mayPublish(topic, at, retain),
          )
          expect(explained({ action: "subscribe", filter, qos: at })).toBe(rights.maySubscribe(filter, at))
        },
      ),
      { numRuns: 1000 },
    )
  })
})

function ruleBook(...lines: string[]): RuleBook {
  const all = lines.map((line) => {
    const rule = parseAccessRule(line)
    if ("problem" in rule) throw new Error(rule.problem)
    return rule
  })
  return new RuleBook(all, "auto")
}

const alice = somebody({ username: "alice", clientId: "phone" })
const topic = (text: string) => parseTopicName(text) ?? ("" as TopicName)
const filter = (text: string) => parseTopicFilter(text) ?? ("" as TopicFilter)

describe("Rules", () => {
  test("about a user or a client go before those about everyone, and deny before allow", () => {
    const rights = ruleBook(
      "deny everyone both #",
      "allow alice both home/#",
      "deny client:phone publish home/door",
    ).rightsOf(alice, () => {})
    expect(rights.mayPublish(topic("home/lamp"), 0, false)).toBe(true)
    expect(rights.mayPublish(topic("home/door"), 0, false)).toBe(false)
    expect(rights.mayRead(topic("home/door"))).toBe(true)
    expect(rights.mayRead(topic("garden"))).toBe(false)
  })

  test("limit nobody while there is none, and the first one refuses whatever it does not allow", () => {
    expect(ruleBook().limits).toBe(false)
    const rights = ruleBook("allow bob both #").rightsOf(alice, () => {})
    expect(rights.mayPublish(topic("a"), 0, false)).toBe(false)
  })

  test("for all topics leave out $SYS, which needs one that names it", () => {
    const rights = ruleBook("allow everyone both #").rightsOf(alice, () => {})
    expect(rights.maySubscribe(filter("#"), 0)).toBe(true)
    expect(rights.maySubscribe(filter("$SYS/#"), 0)).toBe(false)
    expect(rights.mayRead(topic("$SYS/broker/uptime"))).toBe(false)
    const named = ruleBook("allow everyone subscribe $SYS/#").rightsOf(alice, () => {})
    expect(named.maySubscribe(filter("$SYS/broker/+"), 0)).toBe(true)
  })

  test("that a name makes useless are told of, and do not hold", () => {
    const unusable: string[] = []
    const book = ruleBook("allow everyone both devices/${clientid}/#")
    const rights = book.rightsOf({ ...alice, clientId: "+" }, (_, { clientId }) => unusable.push(clientId))
    expect(unusable).toEqual(["+"])
    expect(rights.mayPublish(topic("devices/+/x"), 0, false)).toBe(false)
    expect(rights.maySubscribe(filter("devices/+/#"), 0)).toBe(false)
  })

  test("remember no more than so many topics of a client, nor long ones, and go on deciding right", () => {
    const rights = ruleBook("allow alice publish a/#", "deny alice publish a/7").rightsOf(alice, () => {})
    for (let number = 0; number < 5000; number++) {
      expect(rights.mayPublish(topic(`a/${number % 2500}`), 0, false)).toBe(number % 2500 !== 7)
    }
    expect(rights.mayPublish(topic(`a/${"x".repeat(5000)}`), 0, false)).toBe(true)
  })
})
