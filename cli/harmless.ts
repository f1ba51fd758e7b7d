/*
 * Texts from elsewhere on a terminal. A control character begins a command to it, and a mark of direction turns the
 * order of what stands there: both are shown by their numbers and never sent.
 */

const harmful =
  /[\p{Cc}\p{Cs}\u{61c}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{feff}\u{fff9}-\u{fffb}]/gu

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** The text in one line, with an escape such as `\x1b` or `\u202e` for each character that a terminal obeys. */
export function harmless(text: string): string {
  return text.replace(harmful, escapeOf)
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0)
  return (
    named[character] ??
    (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`)
  )
}

/** The same JSON, without characters that a terminal obeys; they stand in its strings alone. */
export function harmlessJson(json: string): string {
  return json.replace(harmful, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
