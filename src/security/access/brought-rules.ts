import * as v from "valibot"
import { type AccessRule, readAccessRule } from "./access-rule.ts"
import { type RuleProblem, splitWords } from "./rule-words.ts"

/** So many rules one client may bring along: each is kept for as long as it is connected. */
export const mostBroughtRules = 1_000

const qos = v.picklist([0, 1, 2])
const topics = v.optional(v.union([v.string(), v.array(v.string())]))

/** Whoever writes a condition that we do not know means it: a rule that forgot it would allow more. */
const emqxRule = v.strictObject({
  permission: v.picklist(["allow", "deny"]),
  action: v.picklist(["publish", "subscribe", "all"]),
  topic: v.string(),
  qos: v.optional(v.union([qos, v.pipe(v.array(qos), v.minLength(1))])),
  retain: v.optional(v.boolean()),
  ipaddr: v.optional(v.string()),
})
type EmqxRule = v.InferOutput<typeof emqxRule>

const emqxTopics = v.strictObject({ pub: topics, sub: topics, all: topics })

/**
 * The access rules that a token holds, or the answer of a service: an array of lines without whom they are about, such as
 * `allow publish devices/${clientid}/#`, or what EMQX takes: an array of objects, or one object with lists of topics that
 * are allowed.
 *
 * @param username whom the rules are about
 * @returns all of the rules, or what is wrong with one of them
 */
export function readBroughtRules(
  value: unknown,
  username: string | undefined,
): readonly AccessRule[] | RuleProblem {
  // The empty name, as MQTT before 5 wants one beside a password, is nobody's that a rule could name.
  const who = username === undefined || username === "" ? "anonymous" : `user:${username}`
  const lines: (readonly string[])[] = []
  for (const entry of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const read = typeof entry === "string" && Array.isArray(value) ? [ownLine(entry)] : emqxLines(entry)
    for (const words of read) {
      if ("problem" in words) return words
      lines.push(words)
    }
    if (lines.length > mostBroughtRules) return { problem: `has more than ${mostBroughtRules} rules` }
  }
  const rules: AccessRule[] = []
  for (const [effect = "", ...rest] of lines) {
    const rule = readAccessRule([effect, who, ...rest])
    if ("problem" in rule) return rule
    rules.push(rule)
  }
  return rules
}

type Words = readonly string[] | RuleProblem

function ownLine(line: string): Words {
  return splitWords(line)
}

function emqxLines(value: unknown): readonly Words[] {
  const rule = v.safeParse(emqxRule, value)
  if (rule.success) return linesOfRule(rule.output)
  const allowed = v.safeParse(emqxTopics, value)
  if (!allowed.success || Array.isArray(value))
    return [{ problem: "is neither an array of rules nor an object with pub, sub and all" }]
  const { pub = [], sub = [], all = [] } = allowed.output
  const allow = (action: string, filters: string | readonly string[]) =>
    [filters].flat().map((filter) => ["allow", action, ...topicWords(filter)])
  return [...allow("publish", pub), ...allow("subscribe", sub), ...allow("both", all)]
}

function linesOfRule({ permission, action, topic, qos: level, retain, ipaddr }: EmqxRule): readonly Words[] {
  const conditions = [
    ...(level === undefined ? [] : ["--qos", [level].flat().join(",")]),
    ...(ipaddr === undefined ? [] : ["--from", ipaddr]),
  ]
  const words = topicWords(topic)
  // Only what is published is retained or not.
  const publish = [permission, "publish", ...words, ...retainWords(retain), ...conditions]
  const subscribe = [permission, "subscribe", ...words, ...conditions]
  switch (action) {
    case "publish":
      return [publish]
    case "subscribe":
      return [subscribe]
    case "all":
      return [publish, subscribe]
  }
}

function retainWords(retain: boolean | undefined): readonly string[] {
  if (retain === undefined) return []
  return [retain ? "--retain" : "--no-retain"]
}

/** EMQX has other names for some placeholders, and takes what stands behind `eq` as it is. */
function topicWords(topic: string): readonly string[] {
  if (topic.startsWith("eq ")) return ["eq", topic.slice(3)]
  return [
    topic
      .replaceAll("${cert_common_name}", "${cert.cn}")
      .replaceAll("${client_attrs.", "${attr.")
      .replace(/(^|\/)%([cu])(?=\/|$)/g, (_, before: string, name: string) => {
        return before + (name === "c" ? "${clientid}" : "${username}")
      }),
  ]
}
