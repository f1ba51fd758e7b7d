import { isWord, shellWords, usages } from "./command.ts"
import { settingValues } from "./settings.ts"
import { typedLine, typedWord } from "./words.ts"

/** What there is to choose from. */
export interface Known {
  /** That were seen, in any order. */
  readonly topics: () => Iterable<string>
  readonly subscriptions: () => Iterable<string>
}

/** What the last word may become, as it would be typed, and what of it has been typed: as node:readline wants it. */
export type Completion = readonly [candidates: readonly string[], typed: string]

/** More than a person looks through; the next letter makes it fewer. */
const mostCandidates = 200

/** @param line up to the cursor */
export function completionOf(line: string, known: Known): Completion {
  const { words, last } = typedLine(line)
  const typed = line.slice(last.start)
  const found = candidatesFor(words, last.text, known)
  const candidates = [...new Set(found)].toSorted().slice(0, mostCandidates)
  return [candidates.map((each) => asTyped(each, last.quote)), typed]
}

/** A candidate ends with a blank where its word is complete. */
function candidatesFor(
  [word = "", ...rest]: readonly string[],
  typed: string,
  known: Known,
): readonly string[] {
  if (word === "") return beginning(shellWords, typed)
  if (!isWord(word)) return []
  switch (word) {
    case "sub":
    case "pub":
    case "retain":
    case "clear":
    case "topics":
    case "last":
      return rest.length === 0 ? nextLevels(known.topics(), typed) : optionsOf(usages[word].usage, typed)
    case "unsub":
      return rest.length === 0 ? beginning(known.subscriptions(), typed) : []
    case "help":
      return rest.length === 0 ? beginning(shellWords, typed) : []
    case "set":
      return settingsFor(rest, typed)
    case "wait":
    case "subs":
    case "status":
    case "quit":
      return []
  }
}

function settingsFor(words: readonly string[], typed: string): readonly string[] {
  const [name] = words
  if (name === undefined) return beginning(Object.keys(settingValues), typed)
  const values = Object.entries(settingValues).find(([each]) => each === name)?.[1] ?? []
  return words.length === 1 ? beginning(values, typed) : []
}

function optionsOf(usage: string, typed: string): readonly string[] {
  if (!typed.startsWith("-")) return []
  return beginning(
    ["-q", "-r"].filter((option) => usage.includes(`[${option}`)),
    typed,
  )
}

function beginning(words: Iterable<string>, typed: string): readonly string[] {
  const found: string[] = []
  for (const word of words) if (word.startsWith(typed) && isTypeable(word)) found.push(`${word} `)
  return found
}

/** A topic is offered level by level, as files are in a shell: up to the next slash where there is one. */
function nextLevels(topics: Iterable<string>, typed: string): readonly string[] {
  const found = new Set<string>()
  for (const topic of topics) {
    if (!topic.startsWith(typed) || !isTypeable(topic)) continue
    const slash = topic.indexOf("/", typed.length)
    found.add(slash < 0 ? `${topic} ` : topic.slice(0, slash + 1))
  }
  return [...found]
}

/** Nobody types control characters, and none may reach the terminal. */
function isTypeable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)
}

function asTyped(candidate: string, quote: "" | "'" | '"'): string {
  const isWhole = candidate.endsWith(" ")
  const text = isWhole ? candidate.slice(0, -1) : candidate
  const word = typedWord(text, quote)
  if (isWhole) return `${word} `
  // There is more to come: the quote stays open.
  return word === text ? word : word.slice(0, -1)
}
