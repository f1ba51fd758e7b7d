import type { Paint } from "../output.ts"
import { harmless } from "../harmless.ts"

/** A line for the terminal, without its newline. */
export interface Line {
  readonly text: string
  /** Where in its source that ends which the line shows. */
  readonly end: number
}

/** How far apart a text's tabs stand here. */
const tabColumns = 4

/** The lines of a text, none wider than so many columns; one that is too long goes on in the next, at a word if it can. */
export function* textLines(source: string, columns: number, paint: Paint): Generator<Line> {
  for (let at = 0; at < source.length;) {
    const line = lineAt(source, at, columns, paint)
    yield line
    at = line.end
  }
}

function lineAt(source: string, start: number, columns: number, paint: Paint): Line {
  let text = ""
  let used = 0
  /** As far as the last word that is whole. */
  let words: Line | undefined
  for (let at = start; at < source.length;) {
    const character = String.fromCodePoint(source.codePointAt(at) ?? 0)
    const next = at + character.length
    if (character === "\n") return { text, end: next }
    if (character === "\r" && source[next] === "\n") return { text, end: next + 1 }
    const shown = character === "\t" ? " ".repeat(tabColumns - (used % tabColumns)) : harmless(character)
    const width = Bun.stringWidth(shown)
    if (used + width > columns && at > start) return words ?? { text, end: at }
    // A short line would waste more than a broken word.
    if (character === " " && used * 2 > columns) words = { text, end: next }
    text += shown === character || character === "\t" ? shown : paint.red(shown)
    used += width
    at = next
  }
  return { text, end: source.length }
}
