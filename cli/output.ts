import pc from "picocolors"

/** What the user can put right. The message is one line: what, where, and the remedy. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "CommandError"
  }
}

/** Colours for standard output: on a terminal only, and never against NO_COLOR. */
export const paint = pc.createColors(
  process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb",
)

/** Colours, or what leaves a text as it is. */
export type Paint = typeof paint

/** Writes to standard output and waits until it is taken: what is left at exit would be lost in a pipe. */
export function print(text: string | Uint8Array): Promise<void> {
  return new Promise((taken, failed) => {
    // That nobody reads any more is told to the stream as well, where one of the two manners below answers it.
    process.stdout.write(text, (error) => (error && !isBrokenPipe(error) ? failed(error) : taken()))
  })
}

/** One line on standard error, so that standard output holds nothing but what was asked for. */
export function complain(message: string): void {
  process.stderr.write(`bantam: ${message}\n`)
}

/** Whoever read our output has seen enough (`bantam ... | head`): then we are done, and nothing went wrong. */
export function stopWhenNobodyReads(): void {
  answerOutputErrors((error) => {
    if (!isBrokenPipe(error)) throw error
    process.exit(0)
  })
}

/** A broker goes on when the reader of its log is gone, or the disk has no room for it: there is nobody to tell. */
export function goOnWithoutLog(): void {
  answerOutputErrors(() => {})
}

function answerOutputErrors(answer: (error: NodeJS.ErrnoException) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error").on("error", answer)
  }
}

function isBrokenPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE"
}

/** A word as one types it: the remedy that a message names has to work. */
export function shellWord(word: string): string {
  // Bun puts quotes around digits as well.
  return /^[\w@%+:,./-]+$/.test(word) ? word : Bun.$.escape(word)
}

/** The first three of a list, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length - 3
  return names.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "")
}

/** Columns as wide as their widest cell; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell))
    }
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
      .join("  ")
      .trimEnd()
  return rows.map((row, index) => `${index === 0 ? paint.bold(line(row)) : line(row)}\n`).join("")
}
