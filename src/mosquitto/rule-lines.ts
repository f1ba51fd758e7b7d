import { accessRuleText, readAccessRule, type Who, whoText } from "../security/access/access-rule.ts"
import type { RuleProblem } from "../security/access/rule-words.ts"

/** What a rule of Bantam's is made from: a topic as Mosquitto writes it, placeholders included. */
export interface RuleParts {
  readonly effect: "allow" | "deny"
  readonly who: Who
  readonly action: "publish" | "subscribe" | "both"
  readonly topic: string
  /** The topic stands for itself, wildcards included. */
  readonly literal: boolean
  /** `%u` and `%c` stand for the client's own names. */
  readonly fills: boolean
}

/** @returns the line of the rule, or what keeps it from being one */
export function ruleLine(parts: RuleParts): string | RuleProblem {
  const topic = ruleTopicText(parts.topic, parts.fills)
  if (topic === undefined)
    return { problem: `has "\${" in ${JSON.stringify(parts.topic)}, which is a placeholder in Bantam` }
  const isPlain = parts.topic.includes("${")
  const words = [parts.effect, whoText(parts.who), parts.action]
  const rule = readAccessRule([...words, ...(parts.literal || isPlain ? ["eq"] : []), topic])
  return "problem" in rule ? rule : accessRuleText(rule)
}

/** Mosquitto's placeholders as ours. @returns undefined for a text that would get a placeholder it did not have */
export function ruleTopicText(topic: string, fills: boolean): string | undefined {
  // Only a text without wildcards and placeholders can be said to be meant literally.
  if (topic.includes("${") && (/[+#]/.test(topic) || (fills && /%[uc]/.test(topic)))) return undefined
  return fills ? topic.replaceAll("%u", "${username}").replaceAll("%c", "${clientid}") : topic
}
