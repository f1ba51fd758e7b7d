import { escapeControls } from "../../src/foundation/log.ts"

/** A sentence about a template, without a full stop. */
export class TemplateError extends Error {
  override readonly name = "TemplateError"
}

/** What a row of a table, or an object, brings along. */
export interface Fields {
  /** What may be named; of an object, its own keys. */
  readonly names: readonly string[]
  /** @returns undefined when nothing is called so */
  text(name: string): string | undefined
}

/** The message that a template becomes. */
export interface Occasion {
  /** Of the messages so far, this one included. */
  readonly n: number
  /** In milliseconds since 1970. */
  readonly wallMs: number
  /** From 0 to below 1, another each time. */
  random(): number
  uuid(): string
}

type Fill = (occasion: Occasion) => string

/** A place in braces: a field, or what is built in. A field goes before, for who wrote the table chose its names. */
interface Hole {
  readonly words: string
  /** Or what is wrong with it, should no field be called so. */
  readonly fill: Fill | TemplateError | undefined
}

const builtIn: Readonly<Record<string, (values: readonly string[]) => Fill>> = {
  n: none("n", ({ n }) => String(n)),
  now: nowFill,
  uuid: none("uuid", ({ uuid }) => uuid()),
  random: randomFill,
  pick: pickFill,
}

const mostNamesTold = 30

/** How they are told of. */
const builtInNames = "n, now, now unix, now ms, uuid, random 0 100, pick a b"

/** A text with places in double braces: `{{n}}`. A backslash before the braces makes them ordinary ones. */
export class Template {
  readonly #pieces: readonly (string | Hole)[]

  /** @throws TemplateError */
  constructor(text: string) {
    const pieces: (string | Hole)[] = []
    let end = 0
    for (const found of text.matchAll(/\\\{\{|\{\{(.*?)\}\}|\{\{/gs)) {
      const [whole, words] = found
      pieces.push(text.slice(end, found.index))
      if (words !== undefined) pieces.push(holeOf(words.trim()))
      else if (whole === "{{")
        throw new TemplateError(`${text.slice(found.index, found.index + 20)}: no }} ends it`)
      else pieces.push("{{")
      end = found.index + whole.length
    }
    this.#pieces = [...pieces, text.slice(end)]
  }

  /**
   * @param names of all fields that there will be
   * @param what they are, in the plural
   * @throws TemplateError for what is neither one of them nor built in
   */
  check(names: readonly string[], what: string): void {
    for (const piece of this.#pieces) {
      if (typeof piece === "string" || typeof piece.fill === "function" || names.includes(piece.words))
        continue
      throw piece.fill ?? unknown(piece, names, what)
    }
  }

  /** @throws TemplateError for a field that is not there */
  fill(fields: Fields, occasion: Occasion): string {
    return this.#pieces
      .map((piece) => (typeof piece === "string" ? piece : filled(piece, fields, occasion)))
      .join("")
  }
}

function filled(hole: Hole, fields: Fields, occasion: Occasion): string {
  const { words, fill } = hole
  const text = fields.text(words)
  if (text !== undefined) return text
  if (typeof fill === "function") return fill(occasion)
  throw fill ?? unknown(hole, fields.names, "fields")
}

function unknown({ words }: Hole, names: readonly string[], what: string): TemplateError {
  const more = names.length > mostNamesTold ? ` and ${names.length - mostNamesTold} more` : ""
  const others =
    names.length === 0 ? "" : `, and the ${what} ${names.slice(0, mostNamesTold).join(", ")}${more}`
  return new TemplateError(escapeControls(`{{${words}}} is not known; known are ${builtInNames}${others}`))
}

function holeOf(words: string): Hole {
  const [name = "", ...values] = words.split(/\s+/)
  try {
    return { words, fill: Object.hasOwn(builtIn, name) ? builtIn[name]?.(values) : undefined }
  } catch (error) {
    // A field may be called so.
    if (error instanceof TemplateError && values.length === 0) return { words, fill: error }
    throw error
  }
}

function none(name: string, fill: Fill): (values: readonly string[]) => Fill {
  return (values) => {
    if (values.length === 0) return fill
    throw new TemplateError(`{{${name} ${values.join(" ")}}}: nothing may stand behind ${name}`)
  }
}

function nowFill(values: readonly string[]): Fill {
  switch (values.join(" ")) {
    case "":
      return ({ wallMs }) => new Date(wallMs).toISOString()
    case "unix":
      return ({ wallMs }) => String(Math.floor(wallMs / 1000))
    case "ms":
      return ({ wallMs }) => String(wallMs)
    default:
      throw new TemplateError(`{{now ${values.join(" ")}}}: behind now may stand unix, for seconds, or ms`)
  }
}

/** Both bounds may come; with as many digits behind the point as the one that has more. */
function randomFill(values: readonly string[]): Fill {
  const decimals = Math.max(0, ...values.map((value) => value.split(".")[1]?.length ?? 0))
  const scale = 10 ** decimals
  const [least = 0, most = 0] = values.map((value) => Math.round(Number(value) * scale))
  const areNumbers = values.length === 2 && values.every((value) => /^-?\d+(\.\d{1,15})?$/.test(value))
  if (!areNumbers || least > most || !Number.isSafeInteger(most - least)) {
    const example = "such as {{random 0 100}} or {{random 18.0 24.5}}"
    throw new TemplateError(`{{random ${values.join(" ")}}}: needs two numbers, the lesser first, ${example}`)
  }
  return ({ random }) => ((least + Math.floor(random() * (most - least + 1))) / scale).toFixed(decimals)
}

function pickFill(values: readonly string[]): Fill {
  if (values.length === 0)
    throw new TemplateError("{{pick}}: needs words to choose from, such as {{pick on off}}")
  return ({ random }) => values[Math.floor(random() * values.length)] ?? ""
}
