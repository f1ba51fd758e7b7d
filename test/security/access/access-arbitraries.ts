import * as fc from "fast-check"
import type { AccessRule, Who } from "../../../src/security/access/access-rule.ts"
import { AddressRange } from "../../../src/security/address-range.ts"
import type { Identity } from "../../../src/security/identity.ts"
import type { RuleTopic } from "../../../src/security/access/rule-topic.ts"
import { topicFilter } from "../../routing/topic-arbitraries.ts"

// Few names and few words, so that rules, clients and topics meet often.
const who: fc.Arbitrary<Who> = fc.oneof(
  fc.constantFrom("a", "b", "everyone", "x y", 'q"').map((name): Who => ({ kind: "user", name })),
  fc.constantFrom("a", "b", "a/b").map((clientId): Who => ({ kind: "client", clientId })),
  fc.constantFrom("a", "family").map((name): Who => ({ kind: "group", name })),
  fc.constant<Who>({ kind: "anonymous" }),
  fc.constant<Who>({ kind: "everyone" }),
)

const topic: fc.Arbitrary<RuleTopic> = fc.oneof(
  { weight: 4, arbitrary: topicFilter.map((filter): RuleTopic => ({ kind: "filter", filter })) },
  topicFilter.map((filter): RuleTopic => ({ kind: "literal", filter })),
  fc
    .constantFrom(
      "${username}/#",
      "${clientid}",
      "a/${clientid}/+",
      "a/${username}",
      "${attr.site}/#",
      "${cert.cn}",
    )
    .map((text): RuleTopic => ({ kind: "template", text })),
)

const range = fc
  .constantFrom("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/32")
  .map(AddressRange.parse)

export const accessRule: fc.Arbitrary<AccessRule> = fc
  .record({
    effect: fc.constantFrom("allow", "deny"),
    who,
    action: fc.constantFrom("publish", "subscribe", "both"),
    topic,
    qos: fc.constantFrom(undefined, undefined, [0] as const, [0, 1] as const, [2] as const),
    retain: fc.constantFrom(undefined, undefined, true, false),
    from: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, range),
  } as const)
  .map((rule) => ({ ...rule, retain: rule.action === "publish" ? rule.retain : undefined }))

export const identity: fc.Arbitrary<Identity> = fc.record({
  username: fc.constantFrom(undefined, "a", "b", "everyone", "+", "$a"),
  clientId: fc.constantFrom("a", "b", "a/b", "#", "$"),
  remoteAddress: fc.constantFrom(undefined, "10.1.2.3", "192.0.2.7", "2001:db8::1", "unix"),
  superuser: fc.constant(false),
  groups: fc.subarray(["a", "family", "x y"]),
  attributes: fc.constantFrom({}, { site: "a" }, { site: "+" }),
  certificateName: fc.constantFrom(undefined, "a", "a/#"),
  rules: fc.constant(undefined),
})
