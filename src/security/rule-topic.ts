import { parseTopicFilter, type TopicFilter } from "../protocol/topic.ts"
import type { Identity } from "./authentication.ts"
import type { RuleProblem } from "./rule-words.ts"

/** Which topics a rule is about. */
export type RuleTopic =
  | { readonly kind: "filter"; readonly filter: TopicFilter }
  /** The filter once the placeholders of the text are filled in for a client. */
  | { readonly kind: "template"; readonly text: string }
  /** Topics of that very name; or, with wildcards, subscriptions to that very filter. */
  | { readonly kind: "literal"; readonly filter: TopicFilter }

const placeholder = /\$\{([^}]*)\}/g

/** @param words the filter, or `eq` and a text that is taken as it stands */
export function parseRuleTopic(words: readonly string[]): RuleTopic | RuleProblem {
  const [first = "", second = ""] = words
  const isLiteral = words.length === 2 && first === "eq"
  if (words.length !== 1 && !isLiteral) {
    return { problem: "must name one topic filter; one with spaces stands in quotes" }
  }
  const text = isLiteral ? second : first
  const notFilter = { problem: `names ${JSON.stringify(text)}, which is no topic filter` }
  if (text.startsWith("$share/"))
    return { problem: "must name the filter without $share/GROUP/ in front of it" }
  if (isLiteral || !text.includes("${")) {
    const filter = parseTopicFilter(text)
    return filter === undefined ? notFilter : { kind: isLiteral ? "literal" : "filter", filter }
  }
  for (const [whole, name = ""] of text.matchAll(placeholder)) {
    if (!(name in values))
      return { problem: `has ${whole}; the placeholders are \${username} and \${clientid}` }
  }
  if (/^\$(?!\{)[^/]*\$\{/.test(text))
    return { problem: "cannot have a placeholder in a level that begins with $" }
  const filled = text.replace(placeholder, "x")
  return parseTopicFilter(filled) === undefined ? notFilter : { kind: "template", text }
}

export function ruleTopicWords(topic: RuleTopic): readonly string[] {
  switch (topic.kind) {
    case "filter":
      return [topic.filter]
    case "template":
      return [topic.text]
    case "literal":
      return ["eq", topic.filter]
  }
}

const values = {
  username: ({ username }: Identity) => username,
  clientid: ({ clientId }: Identity) => clientId,
} as const

/**
 * The filter of a template for one client. A client chooses its own names, so a value that would reach beyond its
 * place is no value: empty, with a wildcard or a slash in it, or one that makes the topic begin with `$`.
 *
 * @returns undefined when a value is missing or unusable
 */
export function fillTemplate(text: string, identity: Identity): TopicFilter | undefined {
  let isUsable = true
  const filled = text.replace(placeholder, (_, name: keyof typeof values) => {
    const value = values[name](identity) ?? ""
    if (value === "" || /[+#/]/.test(value)) isUsable = false
    return value
  })
  const reachesSystem = filled.startsWith("$") && text.startsWith("${")
  return isUsable && !reachesSystem ? parseTopicFilter(filled) : undefined
}
