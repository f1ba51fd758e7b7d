/** One line of figures by the names of their columns, which all lines of a table share. */
export type Figure = Readonly<Record<string, string | number>>
export type Figures = readonly Figure[]

/** Says what is going on, for whoever waits. */
export type Progress = (doing: string) => void

/** As a Markdown table, which is as legible on a terminal. */
export function markdown(figures: Figures): string {
  const columns = Object.keys(figures[0] ?? {})
  const lines = figures.map((figure) => columns.map((column) => text(figure[column])))
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...lines.map((line) => line[index]?.length ?? 0)),
  )
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join(" | ")} |`
  const rule = `|${widths.map((width, index) => `${"-".repeat(width + 1)}${index === 0 ? "-" : ":"}`).join("|")}|`
  return [row(columns), rule, ...lines.map(row)].join("\n")
}

function text(value: string | number | undefined): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : (value ?? "")
}
