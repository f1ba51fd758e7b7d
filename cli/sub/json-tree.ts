import { harmless } from "../harmless.ts"
import { endOfString } from "../json-string.ts"

/** A value of a JSON text as it is written there. */
export interface JsonNode {
  readonly kind: "object" | "array" | "string" | "number" | "word"
  /** Of a scalar, harmless for a terminal. */
  readonly text: string
  readonly members: readonly JsonMember[]
  /** Columns that it takes on one line. */
  readonly width: number
  /** Where in the text it begins and ends. */
  readonly begin: number
  readonly end: number
}

export interface JsonMember {
  /** With its quotes, harmless; of an object only. */
  readonly key: string | undefined
  readonly node: JsonNode
}

/** Deeper than anyone looks, and not as deep as our stack. */
const deepest = 200

/** Of a string, the quote that opens it. */
const tokenPattern = /[ \t\r\n]*(["{}[\],:]|[^\s"{}[\],:]+)/y

/**
 * Takes JSON apart without reading it: numbers and the order of keys stay as they were written.
 *
 * @returns undefined when it is no JSON, or nested too deeply
 */
export function parseJsonTree(source: string): JsonNode | undefined {
  try {
    JSON.parse(source)
  } catch {
    return undefined
  }
  return new TreeReader(source).value(0)
}

class TreeReader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  value(depth: number): JsonNode | undefined {
    if (depth > deepest) return undefined
    const token = this.#take()
    const begin = this.#at - token.length
    if (token === "{" || token === "[") return this.#container(token, begin, depth)
    const text = harmless(token)
    const kind = token.startsWith('"') ? "string" : /^[-\d]/.test(token) ? "number" : "word"
    return { kind, text, members: [], width: Bun.stringWidth(text), begin, end: this.#at }
  }

  #container(opening: "{" | "[", begin: number, depth: number): JsonNode | undefined {
    const kind = opening === "{" ? "object" : "array"
    const members: JsonMember[] = []
    let width = 2
    while (!this.#isClosed()) {
      const key = kind === "object" ? harmless(this.#take()) : undefined
      // The colon.
      if (key !== undefined) this.#take()
      const node = this.value(depth + 1)
      if (node === undefined) return undefined
      width += node.width + (key === undefined ? 0 : Bun.stringWidth(key) + 2) + (members.length > 0 ? 2 : 0)
      members.push({ key, node })
    }
    return { kind, text: "", members, width, begin, end: this.#at }
  }

  /** Takes the brace or bracket that closes, or the comma before the next member. */
  #isClosed(): boolean {
    const before = this.#at
    const token = this.#take()
    if (token === "}" || token === "]") return true
    if (token !== ",") this.#at = before
    return false
  }

  #take(): string {
    tokenPattern.lastIndex = this.#at
    const token = tokenPattern.exec(this.#source)?.[1] ?? ""
    const begin = tokenPattern.lastIndex - token.length
    this.#at = token === '"' ? endOfString(this.#source, begin) : tokenPattern.lastIndex
    return this.#source.slice(begin, this.#at)
  }
}
