import pc from "picocolors"
import { type Cell, layOut, type Line } from "./layout.ts"
import type { BenchRun } from "./results.ts"
import type { TargetVerdict } from "./targets.ts"

type Colors = ReturnType<typeof pc.createColors>

/**
 * The table for a terminal, within 120 columns up to five peers.
 *
 * @param colored false: nothing but text
 */
export function table(run: Pick<BenchRun, "rows" | "peers">, colored: boolean): string {
  const colors = pc.createColors(colored)
  const { peers, groups, remarks } = layOut(run)
  const lines = groups.flatMap((group) => group.lines)
  const columns = columnsFor(peers, lines, colors)
  const width = columns.reduce((sum, column) => sum + column.width + 2, 0) - 2
  const heading = columns.map(({ title, width, align }) => align(title, width)).join("  ")
  const body = groups.flatMap((group) => [
    colors.dim(`── ${group.name} ${"─".repeat(Math.max(0, width - group.name.length - 4))}`),
    ...group.lines.map((line) =>
      columns
        .map((column) => column.draw(line))
        .join("  ")
        .trimEnd(),
    ),
  ])
  return [
    colors.bold(heading.trimEnd()),
    ...body,
    "",
    ...remarks.map((remark) => colors.red(`! ${remark}`)),
    ...foot(run).map((note) => colors.dim(note)),
  ].join("\n")
}

/** The same table for a document. */
export function markdown(run: Pick<BenchRun, "rows" | "peers">): string {
  const { peers, groups, remarks } = layOut(run)
  const [ours = "", ...others] = peers
  const titles = ["row", `${ours} µs`, "per second", "MB", ...others, "target", "work"]
  const lines = groups.flatMap((group) => [
    [`**${group.name}**`, ...titles.slice(1).map(() => "")],
    ...group.lines.map((line) => [
      line.further ? line.label : `\`${line.label}\``,
      line.own,
      line.rate,
      line.megabytes,
      ...line.others.map(({ text, tone }) => (tone === "ahead of us" ? `**${text}**` : text)),
      verdictText(line.verdict),
      line.what,
    ]),
  ])
  const rule = titles.map((_, column) => (column === 0 || column >= titles.length - 2 ? "---" : "---:"))
  const text = [titles, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`)
  const notes = [...remarks, ...foot(run)].map((note) => `- ${note}`)
  return [...text, "", ...notes].join("\n")
}

/** What one must know to read it. */
function foot({ peers }: Pick<BenchRun, "peers">): string[] {
  const [ours] = peers
  return [
    `${ours?.name ?? ""} µs: CPU time for one delivered message, or one connection, of all threads and of the kernel for them`,
    "the others: multiples of ours, in medians over the rounds",
    "≥ the load used its core up and the broker could do more; – cannot take part; ! see the remarks",
    ...peers.map(
      ({ name, version, about }) => `${[name, version].filter((word) => word !== "").join(" ")}: ${about}`,
    ),
  ]
}

interface Column {
  readonly title: string
  readonly width: number
  align(text: string, width: number): string
  draw(line: Line): string
}

function columnsFor(peers: readonly string[], lines: readonly Line[], colors: Colors): Column[] {
  const [ours = "", ...others] = peers
  const plain = (text: string) => text
  return [
    column("row", lines, left, labelText, (text, line) =>
      line.further ? colors.dim(text) : colors.bold(text),
    ),
    column(`${ours} µs`, lines, right, ({ own }) => own, plain),
    column("/s", lines, right, (line) => line.rate, colors.dim),
    column("MB", lines, right, ({ megabytes }) => megabytes, colors.dim),
    ...others.map((peer, index) =>
      column(
        peer,
        lines,
        right,
        (line) => line.others[index]?.text ?? "",
        (text, line) => painted(text, line.others[index]?.tone ?? "plain", colors),
      ),
    ),
    column(
      "target",
      lines,
      left,
      ({ verdict }) => verdictText(verdict),
      (text, { verdict }) => (verdict?.met === false ? colors.red(text) : colors.green(text)),
    ),
  ]
}

/** As wide as its widest text; colours are laid on when the text already has its width. */
function column(
  title: string,
  lines: readonly Line[],
  align: Column["align"],
  textOf: (line: Line) => string,
  paint: (text: string, line: Line) => string,
): Column {
  const width = Math.max(title.length, ...lines.map((line) => textOf(line).length))
  return { title, width, align, draw: (line) => paint(align(textOf(line), width), line) }
}

function labelText({ label, further }: Line): string {
  return further ? `  ${label}` : label
}

function verdictText(verdict: TargetVerdict | undefined): string {
  if (verdict === undefined) return ""
  return `${verdict.met ? "met" : "missed"} ≤ ${verdict.target.text}`
}

function painted(text: string, tone: Cell["tone"], colors: Colors): string {
  switch (tone) {
    case "ahead of us":
      return colors.yellow(text)
    case "absent":
      return colors.dim(text)
    case "wrong":
      return colors.red(text)
    case "plain":
      return text
  }
}

function left(text: string, width: number): string {
  return text.padEnd(width)
}

function right(text: string, width: number): string {
  return text.padStart(width)
}
