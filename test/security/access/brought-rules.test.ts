import { describe, expect, test } from "bun:test"
import type { TopicFilter, TopicName } from "../../../src/protocol/topic.ts"
import { accessRuleText } from "../../../src/security/access/access-rule.ts"
import { AccessRules } from "../../../src/security/access/access-rules.ts"
import { mostBroughtRules, readBroughtRules } from "../../../src/security/access/brought-rules.ts"
import { plainPrincipal } from "../../../src/security/identity.ts"
import { Requester } from "../../../src/security/requester.ts"

function lines(value: unknown, username: string | undefined = "ann"): readonly string[] {
  const rules = readBroughtRules(value, username)
  if ("problem" in rules) throw new Error(rules.problem)
  return rules.map(accessRuleText)
}

function problem(value: unknown): string {
  const rules = readBroughtRules(value, "ann")
  return "problem" in rules ? rules.problem : "none"
}

describe("rules that a client brings along are written", () => {
  test("as lines, without whom they are about", () => {
    expect(
      lines(["allow publish devices/${clientid}/#", 'deny both "a b" --qos 1,2 --from 10.0.0.0/8']),
    ).toEqual(["allow ann publish devices/${clientid}/#", 'deny ann both "a b" --qos 1,2 --from 10.0.0.0/8'])
    expect(lines(["allow subscribe a"], "everyone")).toEqual(["allow user:everyone subscribe a"])
    expect(lines(["allow subscribe a"], undefined)).toHaveLength(1)
    expect(lines(["allow subscribe a"], "")).toEqual(["allow anonymous subscribe a"])
  })

  test("as the objects of EMQX", () => {
    const rules = [
      { permission: "allow", action: "publish", topic: "t/${clientid}" },
      { permission: "allow", action: "subscribe", topic: "eq t/1/#", qos: [1] },
      { permission: "deny", action: "publish", topic: "t/2", retain: true },
      { permission: "deny", action: "all", topic: "t/3", qos: 0 },
      { permission: "allow", action: "all", topic: "t/4", retain: false, ipaddr: "192.168.5.0/24" },
      {
        permission: "allow",
        action: "publish",
        topic: "${cert_common_name}/${client_attrs.site}/${username}",
      },
    ]
    expect(lines(rules)).toEqual([
      "allow ann publish t/${clientid}",
      "allow ann subscribe eq t/1/# --qos 1",
      "deny ann publish t/2 --retain",
      "deny ann publish t/3 --qos 0",
      "deny ann subscribe t/3 --qos 0",
      "allow ann publish t/4 --no-retain --from 192.168.5.0/24",
      "allow ann subscribe t/4 --from 192.168.5.0/24",
      "allow ann publish ${cert.cn}/${attr.site}/${username}",
    ])
  })

  test("as the lists of topics that EMQX had before; %c and %u are placeholders where they are a whole level", () => {
    expect(lines({ pub: ["a/%c/%u", "eq a/${username}"], sub: "b/#", all: ["%u/x", "100%c"] })).toEqual([
      "allow ann publish a/${clientid}/${username}",
      "allow ann publish eq a/${username}",
      "allow ann subscribe b/#",
      "allow ann both ${username}/x",
      "allow ann both 100%c",
    ])
    expect(lines({})).toEqual([])
    expect(lines([])).toEqual([])
  })

  test("in no other way: what is not understood is not guessed at", () => {
    const shapeless = "is neither an array of rules nor an object with pub, sub and all"
    const rule = { permission: "allow", action: "publish", topic: "a" }
    for (const value of ["allow publish a", 1, true, null, [1], [null], [[]], [["allow publish a"]]]) {
      expect(problem(value)).toBe(shapeless)
    }
    for (const more of [
      { zone: "z" },
      { qos: 3 },
      { qos: [] },
      { qos: "1" },
      { retain: 1 },
      { action: "pub" },
    ]) {
      expect(problem([{ ...rule, ...more }])).toBe(shapeless)
    }
    expect(problem({ pub: ["a"], denied: ["b"] })).toBe(shapeless)
    expect(problem(["allow ann publish a"])).toBe('must say publish, subscribe or both, not "ann"')
    expect(problem(["publish a"])).toBe("must begin with allow or deny")
    expect(problem([{ ...rule, topic: "a/#/b" }])).toContain("which is no topic filter")
    expect(problem([{ ...rule, topic: "a\0" }])).toContain("which is no topic filter")
    expect(problem([{ ...rule, topic: "${peerhost}/a" }])).toContain("has ${peerhost}")
    expect(problem([{ ...rule, topic: "$share/g/a" }])).toContain("$share")
    expect(problem([{ ...rule, ipaddr: "here" }])).toContain("--from")
    expect(problem([rule, ...Array.from({ length: mostBroughtRules }, () => "allow publish a")])).toBe(
      "has more than 1000 rules",
    )
  })
})

describe("rules that a client brought along", () => {
  const rules = new AccessRules("allow", () => {}, true)

  function bringing(value: unknown, username: string): Requester {
    const brought = readBroughtRules(value, username)
    if ("problem" in brought) throw new Error(brought.problem)
    return new Requester({ ...plainPrincipal(username), rules: brought }, "sensor-1", "192.0.2.7")
  }
  const publishes = (requester: Requester, topic: string) =>
    rules.publish(requester, topic as TopicName, 0, false)
  const subscribes = (requester: Requester, filter: string) =>
    rules.subscribe(requester, filter as TopicFilter, 0)

  test("are all that it may do, whatever the default is", () => {
    const ann = bringing({ pub: ["devices/${clientid}/#"], sub: ["news/#"] }, "ann")
    expect(publishes(ann, "devices/sensor-1/t")).toBe("allow")
    expect(publishes(ann, "devices/sensor-2/t")).toBe("deny")
    expect(publishes(ann, "news/a")).toBe("deny")
    expect(subscribes(ann, "news/+")).toBe("allow")
    expect(subscribes(ann, "#")).toBe("deny")
    expect(rules.read(ann, "news/a" as TopicName)).toBe("allow")
    expect(rules.read(ann, "devices/sensor-1/t" as TopicName)).toBe("deny")
    expect(publishes(bringing([], "ann"), "a")).toBe("deny")
  })

  test.each(["#", "+", "a/b", "$SYS", "a/../b", ""])("do not reach further for the name %j", (name) => {
    const requester = bringing(["allow both users/${username}/#"], name === "" ? "x" : name)
    expect(subscribes(requester, "users/#")).toBe("deny")
    expect(subscribes(requester, "users/ann/#")).toBe("deny")
    expect(publishes(requester, "users/ann/a")).toBe("deny")
    expect(publishes(requester, "$SYS/a")).toBe("deny")
  })
})
