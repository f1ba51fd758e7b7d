import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import type { Qos } from "../../../src/protocol/packet.ts"
import { parseTopicName, type TopicName } from "../../../src/protocol/topic.ts"
import { type AccessQuestion, explainAccess } from "../../../src/security/access/access-explanation.ts"
import { accessRuleText } from "../../../src/security/access/access-rule.ts"
import { AccessRules } from "../../../src/security/access/access-rules.ts"
import {
  AuthorizationChain,
  superusersMayAll,
  sysTopicsAreOurs,
} from "../../../src/security/access/authorization.ts"
import { NumberedRules } from "../../../src/security/access/numbered-rules.ts"
import { RefusalReasons } from "../../../src/security/access/refusal-reasons.ts"
import { wideSubscriptions } from "../../../src/security/access/rights.ts"
import { defaultAccesses } from "../../../src/security/access/rule-book.ts"
import { Requester } from "../../../src/security/requester.ts"
import { topicFilter, topicName } from "../../routing/topic-arbitraries.ts"
import { identity as anybody } from "../../support/accounts.ts"
import { accessRule, identity } from "./access-arbitraries.ts"

const ofOurs = fc
  .constantFrom("$SYS", "$SYS/broker/uptime", "$SYS/a")
  .map((text) => parseTopicName(text) ?? ("" as TopicName))
const anyTopic = fc.oneof({ weight: 4, arbitrary: topicName }, { weight: 1, arbitrary: ofOurs })
const qos = fc.constantFrom<Qos[]>(0, 1, 2)
const question: fc.Arbitrary<AccessQuestion> = fc.oneof(
  fc.record({ action: fc.constant("publish" as const), topic: anyTopic, qos, retain: fc.boolean() }),
  fc.record({ action: fc.constant("subscribe" as const), filter: topicFilter, qos }),
  fc.record({ action: fc.constant("read" as const), topic: anyTopic }),
)
// Half of them about everyone, so that an allowing and a denying one often meet.
const rule = fc.oneof(
  accessRule,
  accessRule.map((one) => ({ ...one, who: { kind: "everyone" } as const })),
)
const case_ = fc.record({
  rules: fc.array(rule, { maxLength: 12 }),
  brought: fc.option(fc.array(accessRule, { maxLength: 4 }), { nil: undefined }),
  byDefault: fc.constantFrom(...defaultAccesses),
  hasUsers: fc.boolean(),
  wide: fc.constantFrom(...wideSubscriptions),
  who: identity,
  superuser: fc.nat(9).map((one) => one === 0),
  asked: question,
})
type Case = typeof case_ extends fc.Arbitrary<infer One> ? One : never

/** All that stands between a client and the broker, as the server puts it together. */
function decided({ rules, byDefault, hasUsers, wide, who, superuser, asked, brought }: Case): boolean {
  const access = new AccessRules(byDefault, () => {}, true, wide)
  access.replace(rules, hasUsers)
  const chain = new AuthorizationChain([sysTopicsAreOurs, superusersMayAll, access], true)
  const principal = { ...anybody(), ...who, superuser, rules: brought }
  const { clientId, remoteAddress, certificateName } = who
  const limits = { connections: undefined, messagesPerSecond: undefined }
  const whole = { ...principal, limits, expiresAtMs: Number.POSITIVE_INFINITY, account: undefined }
  const requester = new Requester(whole, clientId, remoteAddress, certificateName)
  switch (asked.action) {
    case "publish":
      return chain.mayPublish(requester, asked.topic, asked.qos, asked.retain)
    case "subscribe":
      return chain.maySubscribe(requester, asked.filter, asked.qos)
    case "read":
      return !chain.limitsReading || chain.mayRead(requester, asked.topic)
  }
}

describe("What is explained", () => {
  test("is what the broker decides, for superusers, the broker's own topics and reading as well", () => {
    let allowed = 0
    fc.assert(
      fc.property(case_, (one) => {
        const { rules, byDefault, hasUsers, wide, who, superuser, asked } = one
        const kept = rules.map((rule) => ({ rule }))
        const inUse = hasUsers || rules.length > 0
        const explained = explainAccess(kept, byDefault, { ...who, superuser }, asked, inUse, wide)
        const decision = decided({ ...one, brought: undefined })
        if (decision) allowed += 1
        expect(explained.allowed).toBe(decision)
      }),
      { numRuns: 3_000 },
    )
    expect(allowed).toBeGreaterThan(200)
  })

  test("of a refusal is a rule that denies, or that none allows, for who brought rules as well", async () => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(case_, async (one) => {
        if (decided(one)) return
        refused += 1
        const { rules, byDefault, wide, who, superuser, asked, brought } = one
        const reasons = new RefusalReasons(byDefault, (run) => run(), wide)
        const numbered = rules.map((rule, id) => ({ id, line: accessRuleText(rule), rule }))
        const why = await reasons.of(
          new NumberedRules(numbered),
          { ...who, superuser, rules: brought },
          asked,
        )
        expect(why["why"]).not.toBe("something other than the rules")
        if (typeof why["line"] === "string") expect(why["line"]).toStartWith("deny ")
      }),
      { numRuns: 3_000 },
    )
    expect(refused).toBeGreaterThan(500)
  })
})
