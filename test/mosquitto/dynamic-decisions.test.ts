import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { parseTopicFilter, type TopicFilter, type TopicName, topicMatches } from "../../src/protocol/topic.ts"
import { parseAccessRule } from "../../src/security/access/access-rule.ts"
import type { Rights } from "../../src/security/access/rights.ts"
import { RuleBook } from "../../src/security/access/rule-book.ts"
import { accessOfDynamicSecurity, type PlannedAccess } from "../../src/mosquitto/dynamic-rules.ts"
import {
  type AclType,
  aclTypes,
  type DynamicSecurity,
  parseDynamicSecurity,
  type RoleAcl,
} from "../../src/mosquitto/dynamic-security.ts"
import { filterCovers } from "../../src/mosquitto/filter-relations.ts"
import { topicFilter, topicName } from "../routing/topic-arbitraries.ts"
import { identity } from "../support/accounts.ts"

const clientId = "b"

/** Mosquitto's way: role by role, ACL by ACL, and the first that fits decides. */
class Mosquitto {
  readonly #security: DynamicSecurity

  constructor(security: DynamicSecurity) {
    this.#security = security
  }

  maySend(username: string | undefined, topic: TopicName): boolean {
    return this.#decide(username, this.#security.defaults.send, (acls) =>
      acls.find((acl) => acl.type === "publishClientSend" && topicMatches(filled(acl, username), topic)),
    )
  }

  mayReceive(username: string | undefined, topic: TopicName): boolean {
    return this.#decide(username, this.#security.defaults.receive, (acls) =>
      acls.find((acl) => acl.type === "publishClientReceive" && topicMatches(filled(acl, username), topic)),
    )
  }

  maySubscribe(username: string | undefined, filter: string): boolean {
    return this.#decide(
      username,
      this.#security.defaults.subscribe,
      (acls) =>
        acls.find((acl) => acl.type === "subscribeLiteral" && acl.topic === filter) ??
        acls.find((acl) => acl.type === "subscribePattern" && filterCovers(filled(acl, username), filter)),
    )
  }

  /** By a subscription to the topic itself, or to a filter that an ACL names. */
  mayHave(username: string | undefined, topic: TopicName): boolean {
    const filters = this.#security.roles.flatMap(({ acls }) => acls.map((acl) => filled(acl, username)))
    const isReached = filters.some(
      (filter) => topicMatches(filter, topic) && this.maySubscribe(username, filter),
    )
    return this.mayReceive(username, topic) && (isReached || this.maySubscribe(username, topic))
  }

  #decide(
    username: string | undefined,
    byDefault: boolean,
    find: (acls: readonly RoleAcl[]) => RoleAcl | undefined,
  ): boolean {
    const { clients, groups, roles, anonymousGroup } = this.#security
    const ofGroup = (name: string) => groups.find((group) => group.name === name)?.roles ?? []
    const client = clients.find(({ name }) => name === username)
    const named =
      client === undefined
        ? ofGroup(anonymousGroup ?? "")
        : [...client.roles, ...client.groups.flatMap((group) => ofGroup(group))]
    for (const name of named) {
      const decisive = find(roles.find((role) => role.name === name)?.acls ?? [])
      if (decisive !== undefined) return decisive.allow
    }
    return byDefault
  }
}

function filled({ topic }: RoleAcl, username: string | undefined): TopicFilter {
  // What nobody can be called: without a user name the pattern fits nothing.
  if (username === undefined && topic.includes("%u")) return "$nothing" as TopicFilter
  return topic.replaceAll("%u", username ?? "").replaceAll("%c", clientId) as TopicFilter
}

function rightsFrom({ lines, memberships }: PlannedAccess, username: string | undefined): Rights {
  const rules = lines.map((line) => {
    const rule = parseAccessRule(line)
    if ("problem" in rule) throw new Error(`${line}: ${rule.problem}`)
    return rule
  })
  const groups = username === undefined ? [] : (memberships.get(username) ?? [])
  return new RuleBook(rules, "deny").rightsOf(identity({ username, clientId, groups }), () => {})
}

const patternTypes = aclTypes.filter((type): type is AclType => type !== "subscribeLiteral")
const acl = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      acltype: fc.constantFrom(...patternTypes),
      topic: fc.oneof({ weight: 5, arbitrary: topicFilter }, fc.constantFrom("a/%u/#", "%c/#", "a/%c")),
      priority: fc.integer({ min: 0, max: 3 }),
      allow: fc.boolean(),
    }),
  },
  fc.record({
    acltype: fc.constant("subscribeLiteral"),
    topic: topicFilter,
    priority: fc.constant(0),
    allow: fc.boolean(),
  }),
)
const roleNames = ["r1", "r2", "r3", "g1"]
const roles = fc
  .tuple(...roleNames.map(() => fc.array(acl, { maxLength: 4 })))
  .map((lists) => lists.map((acls, index) => ({ rolename: roleNames[index], acls })))
const rolesHeld = fc
  .subarray(roleNames, { maxLength: 2 })
  .chain((names) =>
    fc.tuple(...names.map((rolename) => fc.record({ rolename: fc.constant(rolename), priority: fc.nat(3) }))),
  )

const security = fc
  .record({
    defaultACLAccess: fc.record({
      publishClientSend: fc.boolean(),
      publishClientReceive: fc.boolean(),
      subscribe: fc.boolean(),
      unsubscribe: fc.constant(true),
    }),
    roles,
    ofClient: rolesHeld,
    ofGroups: fc.tuple(rolesHeld, rolesHeld),
    anonymousGroup: fc.constantFrom(undefined, "g1"),
  })
  .map(({ defaultACLAccess, roles: written, ofClient, ofGroups, anonymousGroup }) =>
    JSON.stringify({
      defaultACLAccess,
      roles: written,
      anonymousGroup,
      groups: [
        { groupname: "g1", roles: ofGroups[0], clients: [{ username: "a", priority: 1 }] },
        { groupname: "g2", roles: ofGroups[1], clients: [{ username: "a", priority: 2 }] },
      ],
      clients: [{ username: "a", roles: ofClient }],
    }),
  )
// Mosquitto's own topics and those of other dollar names are nobody's by default in Bantam.
const publicTopic = topicName.filter((topic) => !topic.startsWith("$"))
const username = fc.constantFrom(undefined, "a")

describe("dynamic security in Bantam", () => {
  test("lets nobody do what Mosquitto does not", () => {
    fc.assert(
      fc.property(security, username, topicName, (json, who, topic) => {
        const read = parseDynamicSecurity(json, "dynsec.json")
        const mosquitto = new Mosquitto(read)
        const rights = rightsFrom(accessOfDynamicSecurity(read, "dynsec.json"), who)
        if (rights.mayPublish(topic, 1, false)) expect(mosquitto.maySend(who, topic)).toBe(true)
        const exact = parseTopicFilter(topic)
        if (exact !== undefined && rights.maySubscribe(exact, 1) && rights.mayRead(topic))
          expect(mosquitto.mayHave(who, topic)).toBe(true)
      }),
      { numRuns: 600 },
    )
  })

  test("decides as Mosquitto does wherever nothing is reported", () => {
    let compared = 0
    fc.assert(
      fc.property(security, username, publicTopic, (json, who, topic) => {
        const read = parseDynamicSecurity(json, "dynsec.json")
        const access = accessOfDynamicSecurity(read, "dynsec.json")
        if (access.problems.length > 0) return
        compared += 1
        const mosquitto = new Mosquitto(read)
        const rights = rightsFrom(access, who)
        expect(rights.mayPublish(topic, 1, false)).toBe(mosquitto.maySend(who, topic))
        const exact = parseTopicFilter(topic)
        const mayHave = exact !== undefined && rights.maySubscribe(exact, 1) && rights.mayRead(topic)
        if (mosquitto.mayReceive(who, topic) && mosquitto.maySubscribe(who, topic)) expect(mayHave).toBe(true)
        if (mayHave) expect(mosquitto.mayHave(who, topic)).toBe(true)
      }),
      { numRuns: 800 },
    )
    expect(compared).toBeGreaterThan(50)
  })
})
