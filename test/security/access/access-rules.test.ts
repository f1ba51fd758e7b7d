import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { parseTopicName } from "../../../src/protocol/topic.ts"
import { accessRuleText, parseAccessRule } from "../../../src/security/access/access-rule.ts"
import { AccessRules } from "../../../src/security/access/access-rules.ts"
import { type Identity, plainPrincipal } from "../../../src/security/identity.ts"
import { Requester } from "../../../src/security/requester.ts"
import {
  allQos,
  allVersions,
  type ConnectWords,
  lasting,
  named,
  payloads,
  publish,
  type RequestWords,
  subscribe,
} from "../../support/packets.ts"
import type { ScriptedClient } from "../../support/scripted-client.ts"
import { TestBroker } from "../../support/test-broker.ts"

function rulesOf(lines: readonly string[]) {
  return lines.map((line) => {
    const rule = parseAccessRule(line)
    if ("problem" in rule) throw new Error(rule.problem)
    return rule
  })
}

async function brokerWith(...lines: string[]) {
  const rules = new AccessRules("auto", () => {})
  rules.replace(rulesOf(lines))
  const broker = await TestBroker.start({ authorizers: [rules] })
  const boss = await broker.connected("boss-phone", { username: "boss" })
  return { broker, boss, change: (...changed: string[]) => rules.replace(rulesOf(changed)) }
}

const bossMayAll = "allow boss both #"

/** What SUBACK says of each filter. */
function asks(client: ScriptedClient, ...filters: (string | RequestWords)[]): readonly number[] {
  const requests = filters.map((filter) =>
    typeof filter === "string" ? { filter, qos: 0 as const } : filter,
  )
  client.sends(subscribe(7, requests))
  const suback = client.receives().find((packet) => packet.type === "suback")
  return suback?.reasonCodes ?? []
}

const refused = ReasonCode.notAuthorized
const granted = ReasonCode.success

describe("A PUBLISH that no rule allows", () => {
  for (const version of allVersions) {
    for (const qos of allQos) {
      test(`reaches nobody, at QoS ${qos} in ${named(version)} [3.4.2.1, 3.5.2.1]`, async () => {
        const { broker, boss } = await brokerWith(bossMayAll, "allow alice publish open")
        boss.subscribes("#")
        const alice = await broker.connected("a", { version, username: "alice" })
        const id = qos === 0 ? {} : { packetId: 7 }
        alice.sends(publish({ topic: "closed", qos, ...id, payload: "1" }))
        alice.sends(publish({ topic: "closed", qos, ...id, retain: true, payload: "2" }))
        expect(boss.receives()).toEqual([])
        const told = version === 5 ? refused : ReasonCode.success
        const answer = { type: qos === 1 ? "puback" : "pubrec", packetId: 7, reasonCode: told }
        expect(alice.receives()).toMatchObject(qos === 0 ? [] : [answer, answer])
        alice.publishes({ topic: "open", qos, payload: "3" })
        expect(payloads(boss.receives())).toEqual(["3"])
        expect(broker.broker.retained.size).toBe(0)
      })
    }
  }

  test("is refused behind a topic alias too [3.3.2.3.4]", async () => {
    const { broker, boss } = await brokerWith(bossMayAll, "allow alice publish open")
    boss.subscribes("#")
    const alice = await broker.connected("a", { username: "alice" })
    alice.sends(publish({ topic: "closed", payload: "1", properties: { topicAlias: 1 } }))
    alice.sends(publish({ topic: "", payload: "2", properties: { topicAlias: 1 } }))
    expect(boss.receives()).toEqual([])
    expect(broker.dropped).toEqual({ "not-authorized": 2 })
  })

  test("is told by its QoS and RETAIN, where a rule does so", async () => {
    const { broker, boss } = await brokerWith(bossMayAll, "allow alice publish t --qos 0,1 --no-retain")
    boss.subscribes("#")
    const alice = await broker.connected("a", { username: "alice" })
    for (const qos of allQos) {
      alice.sends(publish({ qos, payload: `${qos}`, ...(qos > 0 && { packetId: 1 }) }))
      alice.sends(publish({ qos, payload: `${qos} retained`, retain: true, ...(qos > 0 && { packetId: 2 }) }))
    }
    expect(payloads(boss.receives())).toEqual(["0", "1"])
  })

  test("is refused by where its client connects from", async () => {
    const { broker, boss } = await brokerWith(
      bossMayAll,
      "allow alice publish t --from 10.0.0.0/8",
      "allow alice publish u --from 192.0.2.0/24",
    )
    boss.subscribes("#")
    const alice = await broker.connected("a", { username: "alice" })
    alice.publishes({ topic: "t", payload: "from elsewhere" })
    alice.publishes({ topic: "u", payload: "from here" })
    expect(payloads(boss.receives())).toEqual(["from here"])
  })
})

describe("A will", () => {
  const will = { topic: "wills/a", payload: "gone", qos: 1, retain: true } as const
  const asking = (words: ConnectWords = {}): ConnectWords => ({ username: "alice", will, ...words })

  test("that no rule allows turns its client away", async () => {
    const { broker } = await brokerWith(bossMayAll, "allow alice publish wills/a --no-retain")
    expect(await broker.client("a").asks(asking())).toMatchObject({ reasonCode: refused })
    expect(await broker.client("a").asks(asking({ will: { ...will, retain: false } }))).toMatchObject({
      reasonCode: granted,
    })
  })

  test("is not published once its client has lost the right, however late", async () => {
    const { broker, boss, change } = await brokerWith(bossMayAll, "allow alice publish wills/#")
    boss.subscribes("#")
    const later = { ...will, properties: { willDelayInterval: 60 } }
    const alice = await broker.connected("a", asking({ ...lasting, will: later }))
    alice.cuts()
    change(bossMayAll)
    await broker.passes(100)
    expect(boss.receives()).toEqual([])
    expect(broker.dropped).toEqual({ "not-authorized": 1 })
  })
})

describe("A subscription", () => {
  test("is granted only where one rule covers all that it can match [3.9.3]", async () => {
    const { broker } = await brokerWith(
      "allow alice subscribe home/+/state",
      "deny alice subscribe home/safe/#",
    )
    const alice = await broker.connected("a", { username: "alice" })
    expect(
      asks(alice, "home/lamp/state", "home/+/state", "home/#", "#", "+/+/+", "home/safe/state", "$share/g/#"),
    ).toEqual([granted, refused, refused, refused, refused, refused, refused])
  })

  test("of a share group needs the right to the filter behind the group's name", async () => {
    const { broker } = await brokerWith("allow alice subscribe home/#", "allow alice subscribe g/#")
    const alice = await broker.connected("a", { username: "alice" })
    expect(asks(alice, "$share/g/home/x", "$share/home/secret", "$share/g/secret/#")).toEqual([
      granted,
      refused,
      refused,
    ])
  })

  test("to $SYS needs a rule that names it", async () => {
    const { broker } = await brokerWith("allow everyone both #", "allow boss subscribe $SYS/#")
    const alice = await broker.connected("a", { username: "alice" })
    expect(asks(alice, "#", "$SYS/#", "$SYS/broker/uptime", "$share/g/$SYS/#")).toEqual([
      granted,
      refused,
      refused,
      refused,
    ])
    const boss = await broker.connected("b", { username: "boss" })
    expect(asks(boss, "$SYS/#", "$SYS/broker/+")).toEqual([granted, granted])
  })

  test("is refused at a QoS that no rule allows", async () => {
    const { broker } = await brokerWith("allow alice subscribe t --qos 0,1")
    const alice = await broker.connected("a", { username: "alice" })
    expect(asks(alice, { filter: "t", qos: 2 }, { filter: "t", qos: 1 })).toEqual([
      refused,
      ReasonCode.grantedQos1,
    ])
  })

  test("in the words that eq names is refused, a narrower one is not", async () => {
    const { broker } = await brokerWith("allow everyone subscribe #", "deny everyone subscribe eq #")
    const alice = await broker.connected("a", { username: "alice" })
    expect(asks(alice, "#", "$share/g/#", "home/#")).toEqual([refused, refused, granted])
  })

  test("in the name of others is none: who calls itself by wildcards gets what nobody has", async () => {
    const { broker } = await brokerWith(
      "allow everyone both devices/${clientid}/#",
      "allow everyone both ${username}/#",
    )
    for (const name of ["+", "#", "a/b", "$SYS"]) {
      const client = await broker.connected(name, { username: name })
      const filters = ["devices/+/#", "devices/a/b/x", "devices/#", "+/#", "#", "a/b/x", "$SYS/#"]
      expect(asks(client, ...filters).filter((code) => code !== refused)).toEqual([])
    }
    const look = await broker.connected("sensor", { username: "sensor" })
    // One letter of these is Cyrillic.
    expect(asks(look, "devices/sensor/#", "devices/sens\u043er/#")).toEqual([granted, refused])
  })

  test("that overlaps with another gets what either rule allows, once", async () => {
    const { broker, boss } = await brokerWith(
      bossMayAll,
      "allow alice subscribe a/#",
      "allow alice subscribe +/b",
    )
    const alice = await broker.connected("a", { username: "alice" })
    alice.subscribes([{ filter: "a/#" }, { filter: "+/b" }])
    for (const topic of ["a/b", "a/c", "x/b", "x/c"]) boss.publishes({ topic, payload: topic })
    expect(payloads(alice.receives())).toEqual(["a/b", "a/c", "x/b"])
  })
})

describe("A subscription that is wider than the rights, where the rest is filtered", () => {
  async function filtering(...lines: string[]) {
    const rules = new AccessRules("auto", () => {}, false, "filter")
    rules.replace(rulesOf([bossMayAll, ...lines]))
    const broker = await TestBroker.start({ authorizers: [rules] })
    return { broker, boss: await broker.connected("boss-phone", { username: "boss" }) }
  }

  test("is granted and sent what may be read, retained and later, in a share group too", async () => {
    const { broker, boss } = await filtering("allow alice subscribe home/#", "deny alice subscribe home/safe")
    boss.publishes({ topic: "home/safe", payload: "kept code", retain: true })
    boss.publishes({ topic: "home/door", payload: "kept open", retain: true })
    const alice = await broker.connected("a", { username: "alice" })
    alice.sends(subscribe(7, [{ filter: "#", qos: 0 }]))
    const [suback, ...kept] = alice.receives()
    expect(suback).toMatchObject({ type: "suback", reasonCodes: [granted] })
    expect(payloads(kept)).toEqual(["kept open"])
    expect(asks(alice, "$share/g/home/+")).toEqual([granted])
    boss.publishes({ topic: "home/safe", payload: "code" })
    boss.publishes({ topic: "office/door", payload: "closed" })
    boss.publishes({ topic: "home/door", payload: "open" })
    expect(payloads(alice.receives())).toEqual(["open", "open"])
  })

  test("is refused where it matches nothing that may be read, and where all of it is denied", async () => {
    const { broker } = await filtering("allow alice subscribe home/#", "deny alice subscribe home/safe/#")
    const alice = await broker.connected("a", { username: "alice" })
    expect(asks(alice, "office/#", "home/safe/+", "$SYS/#", "home/+")).toEqual([
      refused,
      refused,
      refused,
      granted,
    ])
  })
})

describe("When rules change, a client that is there", () => {
  test("loses what it may not read any more, on all ways a message takes", async () => {
    const rules = ["allow alice both home/#", bossMayAll]
    const { broker, boss, change } = await brokerWith(...rules)
    const live = await broker.connected("live", { username: "alice" })
    const absent = await broker.connected("absent", { ...lasting, username: "alice" })
    const member = await broker.connected("member", { username: "alice" })
    for (const each of [live, absent]) each.subscribes([{ filter: "home/#", qos: 1 }])
    member.subscribes([{ filter: "$share/g/home/#", qos: 1 }])
    boss.publishes({ topic: "home/x", qos: 1, retain: true, payload: "1" })
    for (const each of [live, absent, member]) expect(payloads(each.receivesAndAnswers())).toEqual(["1"])
    absent.cuts()
    boss.publishes({ topic: "home/x", qos: 1, payload: "queued" })
    for (const each of [live, member]) each.receivesAndAnswers()

    change(...rules, "deny alice both home/x")
    for (const qos of allQos) boss.publishes({ topic: "home/x", qos, retain: true, payload: "2" })
    boss.publishes({ topic: "home/y", payload: "still" })
    expect(payloads(live.receivesAndAnswers())).toEqual(["still"])
    expect(payloads(member.receivesAndAnswers())).toEqual(["still"])
    const back = await broker.connected("absent", { ...lasting, username: "alice" })
    expect(payloads(back.receivesAndAnswers())).toEqual([])
    const late = await broker.connected("late", { username: "alice" })
    expect(asks(late, "home/#")).toEqual([refused])
    expect(asks(late, "home/y")).toEqual([granted])
  })

  test("may do at once what it is given", async () => {
    const { broker, boss, change } = await brokerWith(bossMayAll)
    boss.subscribes("#")
    const alice = await broker.connected("a", { username: "alice" })
    alice.publishes({ payload: "1" })
    change(bossMayAll, "allow alice publish t")
    alice.publishes({ payload: "2" })
    change()
    alice.publishes({ topic: "anything", payload: "3" })
    expect(payloads(boss.receives())).toEqual(["2", "3"])
  })
})

test("a session stays with the user who made it, whatever the rules allow [5.4.2]", async () => {
  const { broker } = await brokerWith("allow everyone both #")
  const alice = await broker.connected("a", { ...lasting, username: "alice" })
  alice.cuts()
  expect(await broker.client("a").asks({ ...lasting, username: "mallory" })).toMatchObject({
    reasonCode: ReasonCode.clientIdentifierNotValid,
  })
})

describe("A rule with a placeholder", () => {
  const topic = parseTopicName("t")
  if (topic === undefined) throw new Error("no topic")

  const complaintsAbout = (client: Partial<Identity>): readonly string[] => {
    const complaints: string[] = []
    const rules = new AccessRules("auto", (rule) => complaints.push(accessRuleText(rule)))
    rules.replace(
      rulesOf(["allow everyone publish ${username}/${cert.cn}", "deny everyone both ${attr.site}"]),
    )
    const principal = { ...plainPrincipal(client.username), attributes: client.attributes ?? {} }
    rules.publish(new Requester(principal, "c", undefined, client.certificateName), topic, 0, false)
    return complaints
  }

  test("is complained of where a client's name would reach beyond its place", () => {
    const complaints = complaintsAbout({ username: "a", certificateName: "x/y", attributes: { site: "#" } })
    expect(complaints).toEqual([
      "allow everyone publish ${username}/${cert.cn}",
      "deny everyone both ${attr.site}",
    ])
  })

  test("is not complained of where a client has no such name: it is not meant for it", () => {
    expect(complaintsAbout({ username: "a" })).toEqual([])
    expect(complaintsAbout({ certificateName: "x" })).toEqual([])
  })
})
