import type { OutputConfiguration } from "commander"
import { paint } from "./output.ts"

/** How help reaches people: headings stand out on a terminal, and narrow ones get shorter lines. */
export const helpOutput: OutputConfiguration = {
  writeOut: (text) =>
    process.stdout.write(process.stdout.isTTY ? laidOut(text, process.stdout.columns) : text),
  writeErr: (text) =>
    process.stderr.write(process.stderr.isTTY ? laidOut(text, process.stderr.columns) : text),
}

/**
 * Help, as it is in a pipe, for a terminal: commander has fitted the lists of commands and options already, and knows
 * nothing of what we say behind them.
 *
 * @param columns how wide the terminal is; undefined or 0 when it does not tell
 */
export function laidOut(text: string, columns: number | undefined): string {
  const width = columns || Number.POSITIVE_INFINITY
  let heading = ""
  return paragraphs(text.split("\n"), width)
    .flatMap((line) => {
      if (/^\S/.test(line)) heading = line
      return fitted(line, width, heading === "Examples:")
    })
    .map((line) => line.replace(/^[A-Z][a-z]*( [a-z]+)?:/, (heading) => paint.bold(heading)))
    .join("\n")
}

/** Lines that were broken only because there was no more room are one line again. */
function paragraphs(lines: readonly string[], width: number): readonly string[] {
  const joined: string[] = []
  let before = ""
  for (const line of lines) {
    const goesOn = before.length > width && isProse(before) && isProse(line)
    if (goesOn) joined.push(`${joined.pop() ?? ""} ${line}`)
    else joined.push(line)
    before = line
  }
  return joined
}

function isProse(line: string): boolean {
  return /^[^\s].* /.test(line) && !line.endsWith(":")
}

function fitted(line: string, width: number, isExample: boolean): readonly string[] {
  if (Bun.stringWidth(line) <= width) return [line]
  if (isProse(line)) return wrapped(line, width, "")
  // A word and what it means, an example and what it does: one below the other.
  const [, word, remark] = /^( +\S.*?) {2,}(\S.*)$/.exec(line) ?? []
  if (word !== undefined && remark !== undefined) return [word, ...wrapped(remark, width, " ".repeat(6))]
  // An example must stay whole, for it is copied.
  return isExample ? [line] : wrapped(line.trim(), width, "  ")
}

function wrapped(text: string, width: number, margin: string): readonly string[] {
  const lines = Bun.wrapAnsi(text, Math.max(width - margin.length, 20)).split("\n")
  return lines.map((each) => margin + each)
}
