import type { Qos } from "../../protocol/packet.ts"
import { AddressRange } from "../address-range.ts"
import { joinWords, type RuleProblem, splitWords } from "./rule-words.ts"
import { parseRuleTopic, type RuleTopic, ruleTopicWords } from "./rule-topic.ts"

/** Whom a rule is about. */
export type Who =
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "client"; readonly clientId: string }
  | { readonly kind: "group"; readonly name: string }
  /** Whoever showed no user name. */
  | { readonly kind: "anonymous" }
  | { readonly kind: "everyone" }

const effects = ["allow", "deny"] as const
export const actions = ["publish", "subscribe", "both"] as const

/** What somebody may do, or may not. */
export interface AccessRule {
  readonly effect: (typeof effects)[number]
  readonly who: Who
  readonly action: (typeof actions)[number]
  readonly topic: RuleTopic
  /** Of a PUBLISH, or asked for in a SUBSCRIBE; undefined: any. Which QoS a message is delivered at is no question of rights. */
  readonly qos: readonly Qos[] | undefined
  /** Of a PUBLISH; undefined: either. */
  readonly retain: boolean | undefined
  /** Where the client connects from; undefined: anywhere. */
  readonly from: AddressRange | undefined
}

/**
 * Reads a rule from its line, such as `allow alice publish home/+/set --qos 0,1 --no-retain --from 10.0.0.0/8`.
 *
 * @returns the one rule, or what is wrong with it
 */
export function parseAccessRule(line: string): AccessRule | RuleProblem {
  const words = splitWords(line)
  return "problem" in words ? words : readAccessRule(words)
}

/** The same, from its words. */
export function readAccessRule(words: readonly string[]): AccessRule | RuleProblem {
  const firstOption = words.findIndex((word, index) => index > 3 && word.startsWith("--"))
  const [effectWord = "", whoWord = "", actionWord = "", ...topicWords] =
    firstOption < 0 ? words : words.slice(0, firstOption)
  const effect = effects.find((each) => each === effectWord)
  if (effect === undefined) return { problem: "must begin with allow or deny" }
  const who = parseWho(whoWord)
  if ("problem" in who) return who
  const action = actions.find((each) => each === actionWord)
  if (action === undefined)
    return { problem: `must say publish, subscribe or both, not ${JSON.stringify(actionWord)}` }
  const topic = parseRuleTopic(topicWords)
  if ("problem" in topic) return topic
  const conditions = readConditions(firstOption < 0 ? [] : words.slice(firstOption))
  if ("problem" in conditions) return conditions
  if (conditions.retain !== undefined && action !== "publish") {
    return { problem: "can tell retained messages apart only where they are published" }
  }
  return { effect, who, action, topic, ...conditions }
}

/** The line of a rule, the same for rules that are the same. */
export function accessRuleText({ effect, who, action, topic, qos, retain, from }: AccessRule): string {
  return joinWords([
    effect,
    whoText(who),
    action,
    ...ruleTopicWords(topic),
    ...(qos === undefined ? [] : ["--qos", qos.join(",")]),
    ...(retain === undefined ? [] : [retain ? "--retain" : "--no-retain"]),
    ...(from === undefined ? [] : ["--from", from.text]),
  ])
}

/** Reads `alice`, `user:alice`, `group:family`, `client:sensor-1`, `anonymous` or `everyone`. */
export function parseWho(word: string): Who | RuleProblem {
  const [, kind = "user", name = ""] = /^(?:(user|client|group):)?(.*)$/s.exec(word) ?? []
  if (name === "") return { problem: "must name a user, group:NAME, client:ID, anonymous or everyone" }
  if (kind === "group") return { kind, name }
  if (kind === "client") return { kind, clientId: name }
  return word === "everyone" || word === "anonymous" ? { kind: word } : { kind: "user", name }
}

export function whoText(who: Who): string {
  switch (who.kind) {
    case "user":
      return /^(everyone$|anonymous$|(user|client|group):)/.test(who.name) ? `user:${who.name}` : who.name
    case "client":
      return `client:${who.clientId}`
    case "group":
      return `group:${who.name}`
    case "anonymous":
    case "everyone":
      return who.kind
  }
}

type Conditions = Pick<AccessRule, "qos" | "retain" | "from">

function readConditions(words: readonly string[]): Conditions | RuleProblem {
  let conditions: Conditions = { qos: undefined, retain: undefined, from: undefined }
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ""
    if (word === "--retain" || word === "--no-retain") {
      conditions = { ...conditions, retain: word === "--retain" }
    } else if (word === "--qos") {
      const text = words[++index] ?? ""
      if (!/^[012](,[012])*$/.test(text))
        return { problem: "needs 0, 1, 2 or several of them, as 0,1, behind --qos" }
      const named = ([0, 1, 2] as const).filter((qos) => text.includes(String(qos)))
      conditions = { ...conditions, qos: named.length === 3 ? undefined : named }
    } else if (word === "--from") {
      const from = AddressRange.parse(words[++index] ?? "")
      if (from === undefined)
        return { problem: "needs an address such as 192.0.2.7, or 10.0.0.0/8, behind --from" }
      conditions = { ...conditions, from }
    } else {
      return { problem: `cannot have ${JSON.stringify(word)} there` }
    }
  }
  return conditions
}
