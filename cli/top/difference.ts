/**
 * What makes one picture of the other on a terminal: the lines that differ, each at its place.
 *
 * @param before undefined when nobody knows what stands there
 * @param columns of the terminal; no line is wider
 */
export function difference(
  before: readonly string[] | undefined,
  after: readonly string[],
  columns: number,
): string {
  let text = before === undefined ? "\x1b[2J" : ""
  const rows = Math.max(before?.length ?? 0, after.length)
  for (let row = 0; row < rows; row++) {
    const line = after[row] ?? ""
    if (before !== undefined && before[row] === line) continue
    // Behind a line that fills its row the cursor still stands in the last column: there is nothing to erase.
    const erase = Bun.stringWidth(line) < columns ? "\x1b[K" : ""
    text += `\x1b[${row + 1};1H${line}${erase}`
  }
  return text
}
