import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import type { TopicFilter, TopicName } from "../../src/protocol/topic.ts"
import { topicMatches } from "../../src/protocol/topic.ts"
import { parseAccessRule } from "../../src/security/access/access-rule.ts"
import { RuleBook } from "../../src/security/access/rule-book.ts"
import { type AclEntry, aclAccesses, parseAclFile } from "../../src/mosquitto/acl-file.ts"
import { rulesOfAclFile } from "../../src/mosquitto/acl-rules.ts"
import { topicFilter, topicName } from "../routing/topic-arbitraries.ts"
import { identity } from "../support/accounts.ts"

interface Client {
  readonly username: string | undefined
  readonly clientId: string
}

/** Mosquitto's way: the client's own entries, denies first, then the patterns, denies first. */
function mosquittoAllows(
  entries: readonly AclEntry[],
  client: Client,
  access: "read" | "write",
  topic: TopicName,
): boolean {
  const own = entries.filter(({ who }) =>
    client.username === undefined
      ? who.kind === "anonymous"
      : who.kind === "user" && who.name === client.username,
  )
  const patterns = entries.filter(({ who }) => who.kind === "pattern")
  for (const group of [own, patterns]) {
    const fitting = group.filter((entry) => {
      if (entry.filter.includes("%u") && client.username === undefined) return false
      const filled =
        entry.who.kind === "pattern"
          ? entry.filter.replaceAll("%u", client.username ?? "").replaceAll("%c", client.clientId)
          : entry.filter
      return topicMatches(filled as TopicFilter, topic)
    })
    if (fitting.some((entry) => entry.access === "deny")) return false
    if (fitting.some((entry) => entry.access === "readwrite" || entry.access === access)) return true
  }
  return false
}

const patternFilter = fc.oneof(topicFilter, fc.constantFrom("a/%u/#", "%c/+", "%u", "b/%c", "%u/%c/#"))
const entry = fc.oneof(
  fc.record({
    who: fc.constantFrom<AclEntry["who"][]>(
      { kind: "anonymous" },
      { kind: "user", name: "a" },
      { kind: "user", name: "everyone" },
    ),
    access: fc.constantFrom(...aclAccesses),
    filter: topicFilter,
  }),
  fc.record({
    who: fc.constant<AclEntry["who"]>({ kind: "pattern" }),
    access: fc.constantFrom(...aclAccesses),
    filter: patternFilter,
  }),
)
const client = fc.record({
  username: fc.constantFrom(undefined, "a", "b", "everyone"),
  clientId: fc.constantFrom("a", "b", "c"),
})

/** As a file, for its words are part of what is tested. */
function fileOf(entries: readonly Pick<AclEntry, "who" | "access" | "filter">[]): string {
  const lines = entries.map(({ who, access, filter }) => {
    if (who.kind === "pattern") return { block: undefined, line: `pattern ${access} ${filter}` }
    return { block: who.kind === "user" ? who.name : "", line: `topic ${access} ${filter}` }
  })
  const anonymous = lines.filter(({ block }) => block === "" || block === undefined)
  const blocks = ["a", "everyone"].map((name) => {
    return [`user ${name}`, ...lines.filter(({ block }) => block === name).map(({ line }) => line)]
  })
  return [...anonymous.map(({ line }) => line), ...blocks.flat()].join("\n")
}

describe("an ACL file decides in Bantam as it does in Mosquitto", () => {
  test("about each message, published or read, of each client", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), client, topicName, (written, who, topic) => {
        const { entries, problems } = parseAclFile(fileOf(written), "acl")
        expect(problems).toEqual([])
        const rules = rulesOfAclFile(entries, "acl").lines.map((line) => {
          const rule = parseAccessRule(line)
          if ("problem" in rule) throw new Error(`${line}: ${rule.problem}`)
          return rule
        })
        const rights = new RuleBook(rules, "deny").rightsOf(identity(who), () => {})
        expect(rights.mayPublish(topic, 1, false)).toBe(mosquittoAllows(entries, who, "write", topic))
        expect(rights.mayRead(topic)).toBe(mosquittoAllows(entries, who, "read", topic))
      }),
      { numRuns: 1000 },
    )
  })
})
