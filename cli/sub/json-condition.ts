import { unreachable } from "../../src/foundation/assert.ts"

/** A name of an object or an index of an array; one below 0 counts from the end. */
type PathStep = string | number

/** What a value is held against. */
type Literal = string | number | boolean | null

type Comparison = "==" | "!=" | ">" | ">=" | "<" | "<="

type Test =
  | { readonly is: "there" }
  | { readonly is: "compared"; readonly by: Comparison; readonly literal: Literal }
  | { readonly is: "containing"; readonly literal: Literal }
  | { readonly is: "matching"; readonly pattern: RegExp }

interface Clause {
  /** The path as it was written. */
  readonly path: string
  readonly steps: readonly PathStep[]
  readonly test: Test
}

/** What a JSON value is to be like: clauses that all hold. */
export type JsonCondition = readonly Clause[]

/** Characters of a value that is not as it should be. */
const longestShown = 200

/** The condition is wrong; the message says what and where. */
export class ConditionError extends Error {
  override readonly name = "ConditionError"
}

/**
 * Reads `.temp > 20`, `.a.b[0] == "x" and .c exists`: a path, which begins with a dot, and what is to be there.
 *
 * @throws ConditionError
 */
export function parseJsonCondition(text: string): JsonCondition {
  return new Reader(text).condition()
}

/** @returns undefined when it holds, and otherwise what is there instead, such as `.temp is 19.5` */
export function whyNot(condition: JsonCondition, value: unknown): string | undefined {
  for (const { path, steps, test } of condition) {
    const found = valueAt(value, steps)
    if (found === undefined) return `${path} is not there`
    if (!holds(test, found.value)) return `${path} is ${inShort(found.value)}`
  }
  return undefined
}

function inShort(value: unknown): string {
  const text = jsonOf(value)
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

/** What can be read may be nested more deeply than can be written. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return "nested too deeply to be shown"
  }
}

function valueAt(value: unknown, steps: readonly PathStep[]): { readonly value: unknown } | undefined {
  let at = value
  for (const step of steps) {
    if (typeof step === "number") {
      if (!Array.isArray(at) || step >= at.length || step < -at.length) return undefined
      at = at.at(step)
    } else {
      if (typeof at !== "object" || at === null || Array.isArray(at) || !Object.hasOwn(at, step))
        return undefined
      at = (at as Readonly<Record<string, unknown>>)[step]
    }
  }
  return { value: at }
}

/** Numbers are in order with numbers, and strings with strings; nothing else is. */
function holds(test: Test, value: unknown): boolean {
  switch (test.is) {
    case "there":
      return true
    case "compared":
      return compared(value, test.by, test.literal)
    case "containing":
      if (Array.isArray(value)) return value.includes(test.literal)
      return typeof value === "string" && typeof test.literal === "string" && value.includes(test.literal)
    case "matching":
      return typeof value === "string" && test.pattern.test(value)
    default:
      return unreachable(test)
  }
}

function compared(value: unknown, by: Comparison, literal: Literal): boolean {
  if (by === "==") return value === literal
  if (by === "!=") return value !== literal
  if (typeof value === "number" && typeof literal === "number") return inOrder(value, by, literal)
  return typeof value === "string" && typeof literal === "string" && inOrder(value, by, literal)
}

function inOrder<Ordered extends string | number>(one: Ordered, by: ">" | ">=" | "<" | "<=", other: Ordered) {
  switch (by) {
    case ">":
      return one > other
    case ">=":
      return one >= other
    case "<":
      return one < other
    case "<=":
      return one <= other
    default:
      return unreachable(by)
  }
}

const comparisons: readonly Comparison[] = ["==", "!=", ">=", "<=", ">", "<"]

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  condition(): JsonCondition {
    const clauses = [this.#clause()]
    while (this.#word("and")) clauses.push(this.#clause())
    if (this.#at < this.#text.length) throw this.#wrong("here only `and` and another condition may follow")
    return clauses
  }

  #clause(): Clause {
    this.#blanks()
    const begin = this.#at
    const steps = this.#path()
    const path = this.#text.slice(begin, this.#at)
    return { path, steps, test: this.#test() }
  }

  #path(): readonly PathStep[] {
    if (!this.#take(/\./y)) throw this.#wrong("a path such as .temp begins with a dot")
    const steps: PathStep[] = []
    // Behind the first dot a name or an index may stand, or nothing: the whole value.
    const first = this.#name()
    if (first !== undefined) steps.push(first)
    for (;;) {
      const index = this.#take(/\[(-?\d{1,9})\]/y)
      if (index) {
        steps.push(Number(index[1]))
      } else if (this.#take(/\./y)) {
        const name = this.#name()
        if (name === undefined) throw this.#wrong("a name is missing")
        steps.push(name)
      } else {
        return steps
      }
    }
  }

  #name(): string | undefined {
    const plain = this.#take(/[\p{L}_$][\p{L}\p{N}_$-]*/uy)
    if (plain) return plain[0]
    return this.#text[this.#at] === '"' ? this.#string() : undefined
  }

  #test(): Test {
    if (this.#word("exists")) return { is: "there" }
    if (this.#word("contains")) return { is: "containing", literal: this.#literal() }
    if (this.#word("matches")) return { is: "matching", pattern: this.#pattern() }
    this.#blanks()
    const by = comparisons.find((each) => this.#text.startsWith(each, this.#at))
    if (by === undefined) throw this.#wrong("exists, contains, matches or one of == != > >= < <= is missing")
    this.#at += by.length
    return { is: "compared", by, literal: this.#literal() }
  }

  #pattern(): RegExp {
    this.#blanks()
    const begin = this.#at
    const written = this.#string()
    try {
      return new RegExp(written, "su")
    } catch {
      this.#at = begin
      throw this.#wrong("it is no regular expression")
    }
  }

  #literal(): Literal {
    this.#blanks()
    if (this.#text[this.#at] === '"') return this.#string()
    const word = this.#take(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])/y)
    if (!word) throw this.#wrong('a number, true, false, null or a "text" is missing')
    return JSON.parse(word[0]) as Literal
  }

  #string(): string {
    const begin = this.#at
    const written = this.#take(/"(?:[^"\\]|\\.)*"/y)
    if (!written) throw this.#wrong('a text in "quotes" is missing')
    try {
      return String(JSON.parse(written[0]))
    } catch {
      this.#at = begin
      throw this.#wrong("a text is written as in JSON")
    }
  }

  #word(word: string): boolean {
    this.#blanks()
    if (!this.#text.startsWith(word, this.#at) || /^\w/.test(this.#text.slice(this.#at + word.length)))
      return false
    this.#at += word.length
    return true
  }

  #blanks(): void {
    this.#take(/\s*/y)
  }

  #take(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text) ?? undefined
    if (found) this.#at = sticky.lastIndex
    return found
  }

  #wrong(what: string): ConditionError {
    const rest = this.#text.slice(this.#at)
    const where =
      rest === "" ? "at its end" : `at character ${this.#at + 1}, ${JSON.stringify(rest.slice(0, 20))}`
    return new ConditionError(`${where}: ${what}`)
  }
}
