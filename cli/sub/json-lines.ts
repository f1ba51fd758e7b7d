import type { Paint } from "../output.ts"
import type { JsonMember, JsonNode } from "./json-tree.ts"
import { type Line, textLines } from "./text-lines.ts"

/** A value on one line, of `node.width` columns. */
export function inlineJson(node: JsonNode, paint: Paint): string {
  switch (node.kind) {
    case "object":
      return `{${node.members.map((member) => memberText(member, paint)).join(", ")}}`
    case "array":
      return `[${node.members.map((member) => memberText(member, paint)).join(", ")}]`
    case "string":
      return paint.green(node.text)
    case "number":
      return paint.yellow(node.text)
    case "word":
      return paint.magenta(node.text)
  }
}

function memberText({ key, node }: JsonMember, paint: Paint): string {
  return `${keyText(key, paint)}${inlineJson(node, paint)}`
}

function keyText(key: string | undefined, paint: Paint): string {
  return key === undefined ? "" : `${paint.cyan(key)}: `
}

function keyColumns(key: string | undefined): number {
  return key === undefined ? 0 : Bun.stringWidth(key) + 2
}

/**
 * A value in lines: what fits on one stays on one, and the members of what does not have a line each; the scalars of an
 * array stand side by side.
 */
export function jsonLines(node: JsonNode, columns: number, paint: Paint): Generator<Line> {
  return new Layout(columns, paint).lines({ key: undefined, node }, 0, "")
}

class Layout {
  readonly #columns: number
  readonly #paint: Paint

  constructor(columns: number, paint: Paint) {
    this.#columns = columns
    this.#paint = paint
  }

  /** @param comma what stands behind it */
  *lines(member: JsonMember, depth: number, comma: "," | ""): Generator<Line> {
    const { key, node } = member
    const indent = this.#indent(depth)
    if (indent.length + keyColumns(key) + node.width + comma.length <= this.#columns) {
      yield { text: `${indent}${memberText(member, this.#paint)}${comma}`, end: node.end }
      return
    }
    const lead = `${indent}${keyText(key, this.#paint)}`
    if (node.kind === "object" || node.kind === "array") {
      yield { text: `${lead}${node.kind === "object" ? "{" : "["}`, end: node.begin + 1 }
      yield* this.#members(node, depth + 1)
      yield { text: `${indent}${node.kind === "object" ? "}" : "]"}${comma}`, end: node.end }
      return
    }
    // A long string: below its key, in as many lines as it takes.
    if (key !== undefined) yield { text: lead.trimEnd(), end: node.begin }
    const inner = this.#indent(depth + 1)
    for (const { text, end } of textLines(node.text, this.#columns - inner.length - 1, this.#paint)) {
      const isLast = end === node.text.length
      yield {
        text: `${inner}${this.#paint.green(text)}${isLast ? comma : ""}`,
        end: Math.min(node.begin + end, node.end),
      }
    }
  }

  *#members({ members }: JsonNode, depth: number): Generator<Line> {
    const indent = this.#indent(depth)
    let row: JsonNode[] = []
    let used = indent.length
    for (const [index, member] of members.entries()) {
      const { key, node } = member
      const comma = index < members.length - 1 ? "," : ""
      const isScalar = key === undefined && node.members.length === 0
      const fits = used + node.width + 2 <= this.#columns
      if (row.length > 0 && !(isScalar && fits)) {
        yield this.#row(indent, row, ",")
        row = []
        used = indent.length
      }
      if (isScalar && used + node.width + 2 <= this.#columns) {
        row.push(node)
        used += node.width + 2
        if (comma === "") yield this.#row(indent, row, "")
      } else {
        yield* this.lines(member, depth, comma)
      }
    }
  }

  #row(indent: string, row: readonly JsonNode[], comma: "," | ""): Line {
    const text = row.map((node) => inlineJson(node, this.#paint)).join(", ")
    return { text: `${indent}${text}${comma}`, end: row.at(-1)?.end ?? 0 }
  }

  /** Far inside, the rest of the line is worth more than how far inside it is. */
  #indent(depth: number): string {
    return " ".repeat(Math.min(2 * depth, Math.floor(this.#columns / 2)))
  }
}
