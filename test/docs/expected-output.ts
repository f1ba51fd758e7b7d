/**
 * @param expected as a page shows it: `…` stands for anything in a line, alone in a line for any number of lines
 * @returns whether that is what was printed, but for colours and for spaces at the ends of lines
 */
export function isAsShown(expected: string, printed: string): boolean {
  const pattern = linesOf(expected).map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*?" : `${line.split("…").map(literally).join(".*")}\\n`,
  )
  return new RegExp(`^${pattern.join("")}$`).test(
    linesOf(printed)
      .map((line) => `${line}\n`)
      .join(""),
  )
}

function linesOf(text: string): readonly string[] {
  return Bun.stripANSI(text)
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd())
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
}
