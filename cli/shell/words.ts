import { CommandError } from "../output.ts"

/** The last word of a line that is being typed. */
export interface LastWord {
  /** Where it begins in the line, its quote included. */
  readonly start: number
  readonly text: string
  /** The quote that is open where the line ends. */
  readonly quote: Quote
}

/** A line as it has been typed so far. */
export interface TypedLine {
  /** Before the last one. */
  readonly words: readonly string[]
  readonly last: LastWord
}

type Quote = "" | "'" | '"'

/**
 * Takes a line apart as a shell does: blanks separate, 'everything' in single quotes stands for itself, in "double"
 * ones a backslash stands before `"` and `\`, and outside of both before any character. The last word may be empty, and
 * its quote open.
 */
export function typedLine(line: string): TypedLine {
  const words: string[] = []
  let word: LastWord | undefined
  let quote: Quote = ""
  let text = ""
  let start = 0
  const begin = (at: number) => (word ??= { start: at, text: "", quote: "" })
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at)
    if (quote === "" && /\s/.test(sign)) {
      if (word !== undefined) words.push(text)
      word = undefined
      text = ""
      continue
    }
    start = begin(at).start
    if (sign === quote) quote = ""
    else if (quote === "" && (sign === "'" || sign === '"')) quote = sign
    else if (sign === "\\" && isEscape(line.charAt(at + 1), quote)) text += line.charAt(++at)
    else text += sign
  }
  return {
    words,
    last: word === undefined ? { start: line.length, text: "", quote } : { start, text, quote },
  }
}

/** The words of a whole line. @throws CommandError when a quote is open */
export function wordsOf(line: string): readonly string[] {
  const { words, last } = typedLine(line)
  if (last.quote !== "") throw new CommandError(`a ${last.quote} is not closed; write another one at the end`)
  // An empty last word is one only where quotes say so.
  return last.start < line.length ? [...words, last.text] : words
}

/** A word as it has to be typed, in the quote that was begun if there is one. */
export function typedWord(text: string, begun: Quote = ""): string {
  if (begun === "" && /^[^\s'"\\]+$/.test(text)) return text
  return begun === '"' ? `"${text.replace(/["\\]/g, "\\$&")}"` : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Single quotes know none; an escape at the end of the line stands for itself. */
function isEscape(next: string, quote: Quote): boolean {
  if (next === "" || quote === "'") return false
  return quote === "" || next === '"' || next === "\\"
}
