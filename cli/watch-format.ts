import type { MessageFormat } from "./message-format.ts"

/**
 * A terminal with a line for each topic, which shows its last message. Where there are more topics than lines, a new
 * one takes the line of the one that came first.
 *
 * @param inner prints a message in one line, without its newline
 * @param height lines of the terminal
 */
export function watchFormat(inner: MessageFormat, height: number): MessageFormat {
  const rows = new Map<string, number>()
  let topics = 0
  return (message, at, output) => {
    const { topic } = message
    let row = rows.get(topic)
    if (row === undefined) {
      if (topics === 0) output.text("\x1b[2J")
      if (rows.size === height) rows.delete(rows.keys().next().value ?? "")
      row = (topics % height) + 1
      topics += 1
      rows.set(topic, row)
    }
    output.text(`\x1b[${row};1H\x1b[2K`)
    inner(message, at, output)
  }
}
