import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { TopicFilter, TopicName } from "../../../src/protocol/topic.ts"
import { AccessRules } from "../../../src/security/access/access-rules.ts"
import { type AccessRule, parseAccessRule } from "../../../src/security/access/access-rule.ts"
import type { Authenticator } from "../../../src/security/authentication/authentication.ts"
import { type Principal, plainPrincipal } from "../../../src/security/identity.ts"
import { NumberedRules } from "../../../src/security/access/numbered-rules.ts"
import { RefusalReasons } from "../../../src/security/access/refusal-reasons.ts"
import { RefusalTrail } from "../../../src/security/access/refusal-trail.ts"
import { Requester } from "../../../src/security/requester.ts"
import { followStoredRules, type NumberedRule } from "../../../src/security/access/stored-access-rules.ts"
import type { AccountStore, AuditEntry } from "../../../src/storage/account-store.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { addRules, acceptedAs, rejected, removeRules } from "../../support/accounts.ts"
import { pingreq, publish, subscribe } from "../../support/packets.ts"
import { silentLog } from "../../support/silent-log.ts"
import { TestBroker } from "../../support/test-broker.ts"
import { TurnedClock } from "../../support/turned-clock.ts"

const topic = (text: string) => text as TopicName
const filter = (text: string) => text as TopicFilter

function client(username: string | undefined, clientId = "phone", principal: Partial<Principal> = {}) {
  return new Requester({ ...plainPrincipal(username), ...principal }, clientId, "192.0.2.7")
}

function ruleOf(line: string): AccessRule {
  const rule = parseAccessRule(line)
  if ("problem" in rule) throw new Error(rule.problem)
  return rule
}

type Fact = Record<string, unknown>

/** A trail whose second passes when the test says so. */
async function trailWith(lines: readonly string[], own: { record?: AccountStore["record"] } = {}) {
  const store = new MemoryStore()
  await addRules(store.accounts, ...lines)
  const clock = new TurnedClock(1_000_000)
  const errors: unknown[] = []
  let turns = 0
  const soon = (run: () => void) => {
    turns += 1
    queueMicrotask(run)
  }
  const record = own.record ?? ((entries) => store.accounts.record(entries))
  const log = { ...silentLog, error: (...words: unknown[]) => void errors.push(words) }
  const reasons = new RefusalReasons("auto", soon)
  const tell = (read: readonly NumberedRule[]) => void (reasons.rules = new NumberedRules(read))
  await followStoredRules(store, new AccessRules("auto", () => {}), new TurnedClock(), silentLog, tell)
  const trail = new RefusalTrail({ record }, reasons, clock, log)
  const passes = async () => {
    clock.advance(1_000)
    for (let turn = 0; turn < 3_000; turn++) await Promise.resolve()
  }
  return {
    trail,
    store,
    clock,
    errors,
    passes,
    get turns() {
      return turns
    },
    rows: () => store.accounts.audit({ kind: "refusal", limit: 9_999 }),
    /** What was written of a single refusal besides who it was. */
    async reason(refuse: (trail: RefusalTrail) => void): Promise<Fact> {
      refuse(trail)
      await passes()
      const row = (await store.accounts.audit({ limit: 1 })).at(-1)
      const facts = Object.entries(row?.facts ?? {})
      return Object.fromEntries(facts.filter(([name]) => !/^(client|address|topic|qos)$/.test(name)))
    },
  }
}

describe("What is refused", () => {
  test("costs no memory for topics that differ only behind what is kept of them", async () => {
    const { trail } = await trailWith(["deny alice publish #"])
    const alice = client("alice")
    const beginning = "x".repeat(256)
    for (let index = 0; index < 2_000; index++) {
      trail.publishRefused(alice, topic(`${beginning}${index}`), 0, false, 1)
      trail.publishRefused(client("alice"), topic("a"), 0, false, 1)
    }
    expect(trail.size).toBeLessThanOrEqual(1_000)
  })

  test("is written after a second, the same in one row that says how often", async () => {
    const { trail, rows, passes, clock } = await trailWith(["deny alice publish a"])
    const alice = client("alice")
    trail.publishRefused(alice, topic("a"), 1, true, 1)
    clock.advance(999)
    trail.publishRefused(alice, topic("a"), 1, true, 41)
    trail.readRefused(alice, topic("a"))
    trail.subscribeRefused(client(undefined, "sensor"), filter("a/#"), 2)
    expect(await rows()).toEqual([])
    await passes()
    const address = "192.0.2.7"
    const rule = { rule: 1, line: "deny alice publish a" }
    expect(await rows()).toEqual([
      {
        id: 2,
        atMs: 1_000_000,
        kind: "refusal",
        who: "alice",
        what: "publish refused",
        facts: { client: "phone", address, topic: "a", qos: 1, retain: "yes", ...rule, times: 42 },
      },
      {
        id: 3,
        atMs: 1_000_999,
        kind: "refusal",
        who: "alice",
        what: "read refused",
        facts: { client: "phone", address, topic: "a", why: "no rule allows it" },
      },
      {
        id: 4,
        atMs: 1_000_999,
        kind: "refusal",
        who: "",
        what: "subscribe refused",
        facts: { client: "sensor", address, topic: "a/#", qos: 2, why: "no rule allows it" },
      },
    ])
  })

  test("differs by client, topic, QoS and retain, but not by connection", async () => {
    const { trail, rows, passes } = await trailWith([])
    for (const requester of [client("alice"), client("alice"), client("alice", "laptop"), client("bob")]) {
      for (const name of ["a", "b"]) {
        for (const qos of [0, 1] as const) trail.publishRefused(requester, topic(name), qos, qos === 1, 10)
      }
    }
    await passes()
    const times = (await rows()).map(({ facts }) => facts["times"])
    expect(times).toEqual([20, 20, 20, 20, 10, 10, 10, 10, 10, 10, 10, 10])
  })

  test("costs no timer and no row as long as there is nothing", async () => {
    const { trail, clock, passes } = await trailWith([])
    expect(clock.waiting).toBe(0)
    trail.readRefused(client("alice"), topic("a"))
    expect(clock.waiting).toBe(1)
    await passes()
    expect(clock.waiting).toBe(0)
  })

  test("beyond five hundred kinds of it a second is counted in one more row", async () => {
    const { trail, rows, passes } = await trailWith([])
    const alice = client("alice")
    for (let number = 0; number < 1_000; number++)
      trail.publishRefused(alice, topic(`t/${number}`), 0, false, 3)
    trail.publishRefused(alice, topic("t/0"), 0, false, 1)
    trail.publishRefused(client("bob"), topic("t/0"), 0, false, 1)
    trail.loginRefused({
      clientId: "c",
      username: "u",
      address: "::1",
      listener: "tcp://[::1]:1883",
      why: "no",
    })
    await passes()
    const written = await rows()
    expect(written).toHaveLength(501)
    expect(written[0]?.facts["times"]).toBe(4)
    expect(written[500]).toMatchObject({ who: "", what: "more was refused", facts: { times: 1_502 } })
    trail.publishRefused(alice, topic("t/1"), 0, false, 1)
    await passes()
    expect(await rows()).toHaveLength(502)
  })

  test("is cut where a stranger writes too much, and keeps its control characters", async () => {
    const { trail, rows, passes } = await trailWith([])
    const long = `${"x".repeat(255)}🙂${"y".repeat(60_000)}`
    trail.publishRefused(client(long, long), topic(long), 0, false, 1)
    trail.publishRefused(client("a\u001b[31m\u202e"), topic("\u009b"), 0, false, 1)
    await passes()
    const cut = `${"x".repeat(255)}…`
    expect(await rows()).toMatchObject([
      { who: cut, facts: { client: cut, topic: cut } },
      { who: "a\u001b[31m\u202e", facts: { topic: "\u009b" } },
    ])
  })

  test("and waits when the broker stops is written before the store is closed", async () => {
    const { trail, rows, clock } = await trailWith([])
    trail.readRefused(client("alice"), topic("a"))
    await trail.close()
    expect(await rows()).toHaveLength(1)
    expect(clock.waiting).toBe(0)
  })
})

describe("Of what is refused the audit says why:", () => {
  const rules = [
    "allow everyone publish #",
    "deny alice publish a/+",
    "deny group:guests both b",
    "deny bob subscribe #",
  ]
  const alice = client("alice")

  test("the rule, whether of the user or of a group", async () => {
    const { reason } = await trailWith(rules)
    expect(await reason((trail) => trail.publishRefused(alice, topic("a/b"), 0, false, 1))).toEqual({
      rule: 2,
      line: "deny alice publish a/+",
    })
    const guest = client("eve", "e", { groups: ["guests"] })
    const byGroup = { rule: 3, line: "deny group:guests both b" }
    expect(await reason((trail) => trail.publishRefused(guest, topic("b"), 0, false, 1))).toEqual(byGroup)
    expect(await reason((trail) => trail.readRefused(guest, topic("b")))).toEqual(byGroup)
    expect(await reason((trail) => trail.subscribeRefused(client("bob"), filter("c"), 0))).toEqual({
      rule: 4,
      line: "deny bob subscribe #",
    })
  })

  test("a rule that the client brought along, the broker's own topics, rights that are gone", async () => {
    const { reason } = await trailWith(rules)
    const bearer = client("alice", "c", { rules: [ruleOf("deny bob publish x")] })
    expect(await reason((trail) => trail.publishRefused(bearer, topic("x"), 0, false, 1))).toEqual({
      why: "a rule it brought along",
      line: "deny bob publish x",
    })
    const superuser = client("root", "c", { superuser: true })
    expect(await reason((trail) => trail.publishRefused(superuser, topic("$SYS/x"), 0, false, 1))).toEqual({
      why: "nobody but the broker publishes under $SYS",
    })
    const revoked = client("alice")
    revoked.revoke()
    expect(await reason((trail) => trail.publishRefused(revoked, topic("a/b"), 0, false, 1))).toEqual({
      why: "its rights were taken away",
    })
  })

  test("the number that the rule has now", async () => {
    const { reason, store, passes } = await trailWith(["deny alice publish a"])
    await store.accounts.change("test", [
      { change: { change: "remove-rule", id: 1 }, said: undefined },
      { change: { change: "add-rule", line: "deny alice publish a" }, said: undefined },
    ])
    await passes()
    const again = (await store.accounts.accessRules()).at(-1)?.id
    expect(again).toBe(2)
    expect(await reason((trail) => trail.publishRefused(alice, topic("a"), 0, false, 1))).toEqual({
      rule: again,
      line: "deny alice publish a",
    })
  })

  test("as it was at that moment, whatever has changed before it is written", async () => {
    const { trail, store, passes, rows } = await trailWith(["deny alice publish a"])
    const alice = client("alice")
    trail.publishRefused(alice, topic("a"), 0, false, 1)
    trail.publishRefused(alice, topic("b"), 0, false, 1)
    alice.become({ ...plainPrincipal("alice"), superuser: true })
    alice.revoke()
    await removeRules(store.accounts, 1)
    await addRules(store.accounts, "allow alice publish #")
    await passes()
    expect(await rows()).toMatchObject([
      { facts: { topic: "a", rule: 1, line: "deny alice publish a" } },
      { facts: { topic: "b", why: "no rule allows it" } },
    ])
  })

  test("in slices, and not at all beyond fifty thousand rules to look at", async () => {
    const many = Array.from({ length: 900 }, (_, number) => `deny everyone publish t/${number}`)
    const trailed = await trailWith([...many, ...many.map((line) => line.replace("everyone", "bob"))])
    for (let number = 0; number < 60; number++) {
      trailed.trail.publishRefused(alice, topic(`t/${number}`), 0, false, 1)
    }
    await trailed.passes()
    const written = await trailed.rows()
    expect(written.filter(({ facts }) => facts["rule"] !== undefined)).toHaveLength(55)
    expect(written[59]?.facts["why"]).toBe("there are too many rules to look for the one")
    expect(trailed.turns).toBe(27)
  })
})

describe("A store that", () => {
  const unwell = {
    record: async () => {
      throw new Error("the disk is full")
    },
  }

  test("cannot write refusals harms nobody, and the log says so once", async () => {
    const { trail, errors, passes } = await trailWith([], unwell)
    for (let second = 0; second < 3; second++) {
      trail.readRefused(client("alice"), topic("a"))
      await passes()
    }
    await trail.close()
    expect(errors).toEqual([["what is refused cannot be written to the audit", { why: "the disk is full" }]])
  })

  test("takes its time while the broker stops is given the rest at once, and nothing is left to be written later", async () => {
    const writings: (() => void)[] = []
    const record = () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      writings.push(resolve)
      return promise
    }
    const { trail, clock, passes } = await trailWith([], { record })
    trail.readRefused(client("alice"), topic("a"))
    await passes()
    trail.readRefused(client("alice"), topic("b"))
    const closed = trail.close()
    writings[0]?.()
    await passes()
    expect(writings).toHaveLength(2)
    writings[1]?.()
    await closed
    expect(clock.waiting).toBe(0)
  })

  test("takes its time gets the next second when it is done with the first", async () => {
    const writings: { readonly rows: number; done(): void }[] = []
    const record = (entries: readonly Omit<AuditEntry, "id">[]) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      writings.push({ rows: entries.length, done: resolve })
      return promise
    }
    const { trail, passes } = await trailWith([], { record })
    const alice = client("alice")
    trail.readRefused(alice, topic("a"))
    await passes()
    for (let second = 0; second < 5; second++) {
      trail.readRefused(alice, topic(`${second % 3}`))
      await passes()
    }
    expect(writings.map(({ rows }) => rows)).toEqual([1])
    writings[0]?.done()
    await Promise.resolve()
    await passes()
    await passes()
    expect(writings.map(({ rows }) => rows)).toEqual([1, 3])
  })
})

describe("A broker tells the trail", () => {
  const byPassword: Authenticator = {
    authenticate: ({ username, password }) =>
      password === undefined ? acceptedAs(username) : rejected(ReasonCode.badUserNameOrPassword),
  }

  async function brokerWith(...lines: string[]) {
    const store = new MemoryStore()
    await addRules(store.accounts, ...lines)
    const rules = new AccessRules("auto", () => {})
    const reasons = new RefusalReasons("auto", queueMicrotask)
    await followStoredRules(
      store,
      rules,
      new TurnedClock(),
      silentLog,
      (read) => (reasons.rules = new NumberedRules(read)),
    )
    const broker = await TestBroker.start({
      store,
      authenticator: byPassword,
      authorizers: [rules],
      refusals: (clock) => new RefusalTrail(store.accounts, reasons, clock, silentLog),
    })
    const rows = async () => {
      await broker.passes(1)
      const written = await store.accounts.audit({ kind: "refusal", limit: 99 })
      return written.map(({ who, what, facts }) => [what, who, facts] as const)
    }
    return { broker, rows, store }
  }

  test("of who is not let in, by which door, and the true reason", async () => {
    const { broker, rows } = await brokerWith()
    await broker.client("phone").asks({ username: "alice", password: "guess" })
    await broker.client("phone", { version: 4 }).asks({ username: "alice", password: "guess" })
    const knocking = broker.client("scanner")
    knocking.sends(pingreq)
    expect(knocking.state).toBe("ended")
    expect(await rows()).toEqual([
      [
        "login refused",
        "alice",
        {
          client: "phone",
          address: "192.0.2.1",
          listener: "tcp://127.0.0.1:1883",
          why: "the test says so",
          times: 2,
        },
      ],
    ])
  })

  test("of what may not be published, subscribed to and read", async () => {
    const { broker, rows } = await brokerWith("allow alice publish a", "allow alice subscribe b")
    const alice = await broker.connected("phone", { username: "alice" })
    alice.subscribes([{ filter: "b" }])
    alice.sends(subscribe(7, [{ filter: "c", qos: 1 }]))
    alice.sendsTogether(publish({ topic: "c" }), publish({ topic: "c" }), publish({ topic: "c" }))
    alice.sends(publish({ topic: "c", qos: 2, packetId: 3 }), publish({ topic: "c", retain: true }))
    const common = { client: "phone", address: "192.0.2.1", topic: "c", why: "no rule allows it" }
    expect(await rows()).toEqual([
      ["subscribe refused", "alice", { ...common, qos: 1 }],
      ["publish refused", "alice", { ...common, qos: 0, times: 3 }],
      ["publish refused", "alice", { ...common, qos: 2 }],
      ["publish refused", "alice", { ...common, qos: 0, retain: "yes" }],
    ])
  })

  test("of what a subscription matches and its client may not read any more, once a message", async () => {
    const { broker, rows, store } = await brokerWith("allow alice both #")
    const alice = await broker.connected("phone", { username: "alice" })
    alice.subscribes([{ filter: "a/#" }])
    await addRules(store.accounts, "deny client:phone subscribe a/b", "allow client:tap publish #")
    const tap = await broker.connected("tap", { username: "tap" })
    tap.sendsTogether(publish({ topic: "a/b" }), publish({ topic: "a/b" }))
    const rule = { rule: 2, line: "deny client:phone subscribe a/b" }
    expect(await rows()).toEqual([
      ["read refused", "alice", { client: "phone", address: "192.0.2.1", topic: "a/b", ...rule, times: 2 }],
    ])
  })

  test("of a will that may not be named, and of one that may not be published in the end", async () => {
    const { broker, rows, store } = await brokerWith("allow alice publish good")
    const will = { topic: "bad", qos: 1 } as const
    await broker.client("phone").asks({ username: "alice", will })
    const lasting = await broker.connected("laptop", { username: "alice", will: { topic: "good" } })
    await addRules(store.accounts, "deny client:laptop publish good")
    await broker.settle()
    lasting.cuts()
    const address = "192.0.2.1"
    const rule = { rule: 2, line: "deny client:laptop publish good" }
    expect(await rows()).toEqual([
      ["will refused", "alice", { client: "phone", address, topic: "bad", qos: 1, why: "no rule allows it" }],
      ["login refused", "alice", expect.objectContaining({ why: "it may not publish its will to bad" })],
      ["will refused", "alice", { client: "laptop", address, topic: "good", qos: 0, ...rule }],
    ])
  })
})
