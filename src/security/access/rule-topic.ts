import { parseTopicFilter, type TopicFilter } from "../../protocol/topic.ts"
import type { Attributes } from "../../storage/account-store.ts"
import type { RuleProblem } from "./rule-words.ts"

/** Which topics a rule is about. */
export type RuleTopic =
  | { readonly kind: "filter"; readonly filter: TopicFilter }
  /** The filter once the placeholders of the text are filled in for a client. */
  | { readonly kind: "template"; readonly text: string }
  /** Topics of that very name; or, with wildcards, subscriptions to that very filter. */
  | { readonly kind: "literal"; readonly filter: TopicFilter }

/** What the placeholders of a template are filled with. */
export interface Placeholders {
  readonly username: string | undefined
  readonly clientId: string
  readonly certificateName: string | undefined
  readonly attributes: Attributes
}

/** No name holds `$`: so a text full of beginnings is looked through once, and not once for each. */
const placeholder = /\$\{([^}$]*)\}/g

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
    if (!isPlaceholder(name)) {
      return {
        problem: `has ${whole}; the placeholders are \${username}, \${clientid}, \${cert.cn} and \${attr.NAME}`,
      }
    }
  }
  if (/^\$(?!\{)[^/]*\$\{/.test(text))
    return { problem: "cannot have a placeholder in a level that begins with $" }
  const filled = text.replace(placeholder, "x")
  if (filled.includes("${")) return { problem: "has ${ where no placeholder follows" }
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

const attributePrefix = "attr."

const values = {
  username: ({ username }: Placeholders) => username,
  clientid: ({ clientId }: Placeholders) => clientId,
  "cert.cn": ({ certificateName }: Placeholders) => certificateName,
} as const

function isPlaceholder(name: string): boolean {
  return Object.hasOwn(values, name) || /^attr\.[\w-]+$/.test(name)
}

function valueOf(name: string, placeholders: Placeholders): string {
  if (name.startsWith(attributePrefix)) {
    const attribute = name.slice(attributePrefix.length)
    const { attributes } = placeholders
    return Object.hasOwn(attributes, attribute) ? String(attributes[attribute]) : ""
  }
  return values[name as keyof typeof values](placeholders) ?? ""
}

/** False where a placeholder stands for what a client has not: then the rule is simply not meant for it. */
export function hasAllValues(text: string, placeholders: Placeholders): boolean {
  return [...text.matchAll(placeholder)].every(([, name = ""]) => valueOf(name, placeholders) !== "")
}

/**
 * The filter of a template for one client. A client chooses its own names, and others chose its attributes, so a value that would reach beyond its
 * place is no value: empty, with a wildcard or a slash in it, or one that makes the topic begin with `$`.
 *
 * @returns undefined when a value is missing or unusable
 */
export function fillTemplate(text: string, placeholders: Placeholders): TopicFilter | undefined {
  let isUsable = true
  const filled = text.replace(placeholder, (_, name: string) => {
    const value = valueOf(name, placeholders)
    if (value === "" || /[+#/]/.test(value)) isUsable = false
    return value
  })
  const reachesSystem = filled.startsWith("$") && text.startsWith("${")
  return isUsable && !reachesSystem ? parseTopicFilter(filled) : undefined
}
