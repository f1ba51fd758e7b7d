/** The line, cut where it is wider than the terminal. */
export function fitted(line: string, columns: number): string {
  return Bun.stringWidth(line) <= columns ? line : Bun.sliceAnsi(line, 0, columns, "…")
}

/** A text in so many columns, no more and no less. */
export function cell(text: string, columns: number, align: "left" | "right"): string {
  const cut = fitted(text, columns)
  const blanks = " ".repeat(Math.max(columns - Bun.stringWidth(cut), 0))
  return align === "left" ? cut + blanks : blanks + cut
}

/** Words side by side, in as many lines as they need; at most so many lines, what does not fit being left out. */
export function flowed(words: readonly string[], columns: number, most: number): readonly string[] {
  const gap = "   "
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && Bun.stringWidth(last) + gap.length + Bun.stringWidth(word) <= columns) {
      lines[lines.length - 1] = `${last}${gap}${word}`
    } else {
      lines.push(word)
    }
  }
  return lines.slice(0, most)
}
