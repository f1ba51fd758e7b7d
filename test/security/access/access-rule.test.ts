import { describe, expect, test } from "bun:test"
import { identity } from "../../support/accounts.ts"
import * as fc from "fast-check"
import { type AccessRule, accessRuleText, parseAccessRule } from "../../../src/security/access/access-rule.ts"
import { fillTemplate } from "../../../src/security/access/rule-topic.ts"
import { joinWords, splitWords } from "../../../src/security/access/rule-words.ts"
import { accessRule } from "./access-arbitraries.ts"

function parsed(line: string): AccessRule {
  const rule = parseAccessRule(line)
  if ("problem" in rule) throw new Error(rule.problem)
  return rule
}

function problem(line: string): string {
  const rule = parseAccessRule(line)
  return "problem" in rule ? rule.problem : `no problem: ${accessRuleText(rule)}`
}

describe("A rule in one line", () => {
  test("says who may do what to which topics, and under which conditions", () => {
    const { from, ...rule } = parsed("allow alice publish home/+/set --qos 1,0 --no-retain --from 10.0.0.0/8")
    expect(rule).toEqual({
      effect: "allow",
      who: { kind: "user", name: "alice" },
      action: "publish",
      topic: { kind: "filter", filter: "home/+/set" },
      qos: [0, 1],
      retain: false,
    } as never)
    expect(from?.text).toBe("10.0.0.0/8")
  })

  test("is read again as it was written, whatever it says", () => {
    fc.assert(
      fc.property(accessRule, (rule) => {
        const line = accessRuleText(rule)
        expect(line).not.toContain("\n")
        expect(accessRuleText(parsed(line))).toBe(line)
        expect({ ...parsed(line), from: undefined }).toEqual({ ...rule, from: undefined })
      }),
    )
  })

  test("any words survive a line", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
        const line = joinWords(words)
        expect(line).not.toMatch(/[\r\n]/)
        expect(splitWords(line)).toEqual(words)
      }),
    )
  })

  test("names whom it is about", () => {
    const who = (word: string) => parsed(`deny ${word} both #`).who
    expect(who("everyone")).toEqual({ kind: "everyone" })
    expect(who("anonymous")).toEqual({ kind: "anonymous" })
    expect(who("user:everyone")).toEqual({ kind: "user", name: "everyone" })
    expect(who("group:family")).toEqual({ kind: "group", name: "family" })
    expect(who("client:user:7")).toEqual({ kind: "client", clientId: "user:7" })
    expect(who('"Ada Lovelace"')).toEqual({ kind: "user", name: "Ada Lovelace" })
    expect(accessRuleText(parsed('deny "user:client:x" both #'))).toBe("deny user:client:x both #")
  })

  test("has wildcards, unless eq says that they are none", () => {
    expect(parsed("deny everyone subscribe eq #").topic).toEqual({ kind: "literal", filter: "#" } as never)
    expect(parsed("deny everyone subscribe eq").topic).toEqual({ kind: "filter", filter: "eq" } as never)
    expect(parsed("allow everyone both eq ${username}").topic.kind).toBe("literal")
  })

  test("all three QoS are no condition", () => {
    expect(accessRuleText(parsed("allow alice both a --qos 2,0,1,1"))).toBe("allow alice both a")
  })

  test("what is wrong with one is said in words", () => {
    expect(problem("")).toBe("must begin with allow or deny")
    expect(problem("permit alice both a")).toBe("must begin with allow or deny")
    expect(problem("allow")).toBe("must name a user, group:NAME, client:ID, anonymous or everyone")
    expect(problem("allow client: both a")).toBe(
      "must name a user, group:NAME, client:ID, anonymous or everyone",
    )
    expect(problem("allow alice read a")).toBe('must say publish, subscribe or both, not "read"')
    expect(problem("allow alice both")).toContain("must name one topic filter")
    expect(problem("allow alice both a b")).toContain("must name one topic filter")
    expect(problem("allow alice both a+")).toBe('names "a+", which is no topic filter')
    expect(problem("allow alice both $share/g/a")).toContain("without $share/GROUP/")
    expect(problem("allow alice both ${user}/a")).toContain("the placeholders are")
    expect(problem("allow alice both ${attr.}/a")).toContain("the placeholders are")
    expect(problem("allow alice both ${toString}/a")).toContain("the placeholders are")
    expect(problem("allow alice both ${a$b}/a")).toContain("no placeholder follows")
    expect(problem("allow alice both a/${username")).toContain("no placeholder follows")
    // A token may be full of them. To look for the end of each anew would take half a minute.
    expect(problem(`allow alice both ${"${".repeat(100_000)}`)).toContain("no placeholder follows")
    expect(problem("allow alice both $${clientid}/a")).toContain("begins with $")
    expect(problem("allow alice both $S${clientid}/a")).toContain("begins with $")
    expect(problem("allow alice both a+${clientid}")).toContain("no topic filter")
    expect(problem("allow alice both a --qos 3")).toContain("behind --qos")
    expect(problem("allow alice both a --qos")).toContain("behind --qos")
    expect(problem("allow alice both a --retain")).toContain("only where they are published")
    expect(problem("allow alice both a --from 10.0.0.0/33")).toContain("behind --from")
    expect(problem("allow alice both a --from example.org")).toContain("behind --from")
    expect(problem("allow alice both a --always")).toBe('cannot have "--always" there')
    expect(problem('allow "alice both a')).toContain("a quote that does not fit")
    expect(problem('allow "a\\x" both a')).toContain("a quote that does not fit")
  })
})

describe("A placeholder", () => {
  const filled = (text: string, clientId: string, username?: string) => {
    return fillTemplate(text, identity({ username, clientId })) as string | undefined
  }

  test("stands for a name of the client", () => {
    expect(filled("${username}/${clientid}/#", "c", "u")).toBe("u/c/#")
    expect(filled("a/x${clientid}", "$&")).toBe("a/x$&")
  })

  test("stands for what its certificate or its account says", () => {
    const who = identity({
      certificateName: "pump-1",
      attributes: { site: "north", floor: 3, "on-call": true },
    })
    const fill = (text: string) => fillTemplate(text, who) as string | undefined
    expect(fill("${cert.cn}/${attr.site}/${attr.floor}/${attr.on-call}")).toBe("pump-1/north/3/true")
    expect(fill("a/${attr.colour}")).toBeUndefined()
    expect(fill("a/${attr.toString}")).toBeUndefined()
    expect(fillTemplate("a/${attr.site}", identity({ attributes: { site: "+" } }))).toBeUndefined()
    expect(fillTemplate("a/${cert.cn}", identity({ certificateName: "a/#" }))).toBeUndefined()
  })

  test("is nothing where the name would reach further than its place", () => {
    for (const name of ["+", "#", "a/b", "/", "a+", "", "a\0"])
      expect(filled("a/${clientid}", name)).toBeUndefined()
    expect(filled("a/${username}", "c")).toBeUndefined()
    expect(filled("${clientid}/broker/#", "$SYS")).toBeUndefined()
  })
})
