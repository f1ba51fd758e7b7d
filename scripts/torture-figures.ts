import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { grouped } from "../cli/quantities.ts"
import { isKept, type TortureReport, type Verdict } from "../test/torture/recorded-trial.ts"

/*
 * Puts what a long run of the tortures has found into docs/reliability.md:
 * `npm run torture -- --json FILE`, then `npm run docs:figures -- FILE`.
 */

const page = join(new URL("..", import.meta.url).pathname, "docs/reliability.md")
const heading = "## Figures of the last long run\n"
const origin = "<!-- Made by `npm run docs:figures` of the report of a long run. -->"
const width = 120

/** @throws Error when the page has no such section, or the run was cut off */
export function withFigures(markdown: string, report: TortureReport): string {
  if (report.left.length > 0) throw new Error(`the run was cut off before ${report.left.join(", ")}`)
  const start = markdown.indexOf(heading)
  const end = markdown.indexOf("\n## ", start + heading.length)
  if (start < 0 || end < 0)
    throw new Error(`docs/reliability.md has no "${heading.trim()}" with a section behind it`)
  return `${markdown.slice(0, start)}${heading}\n${origin}\n\n${sectionOf(report)}\n${markdown.slice(end)}`
}

/** What a report does not say that was written before it was asked: no floors, and no end but the last. */
const unsaid = { report: { left: [] }, verdict: { floors: {}, skipped: [], givenUp: false } } as const

/** @param text of the file that a run has written */
export function reportIn(text: string): TortureReport {
  const report = JSON.parse(text) as TortureReport
  const verdicts = report.verdicts.map((verdict) => ({ ...unsaid.verdict, ...verdict }))
  return { ...unsaid.report, ...report, verdicts }
}

function sectionOf({ at, machine, verdicts }: TortureReport): string {
  const kept = verdicts.filter(isKept).length
  const seconds = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0)
  const gibibytes = Math.round(machine.memoryBytes / 1024 ** 3)
  const sentences = [
    `Taken on ${at.slice(0, 10)} with seed ${verdicts[0]?.seed ?? "none"}, in one run of ${Math.round(seconds / 60)} minutes`,
    `on ${machine.cores} cores (${machine.cpu}), ${gibibytes} GiB, ${machine.kernel}.`,
    `It kept ${kept} of its ${verdicts.length} promises${kept < verdicts.length ? "; those marked * it did not" : ""}.`,
    "Bounds stand in brackets; times and memory are of that machine, counts of any.",
  ]
  const items = verdicts.map((verdict) => wrapped(itemOf(verdict), "- ", "  "))
  return `${wrapped(sentences.join(" "), "", "")}\n\n${items.join("\n")}`
}

/** A torture and its figures; those of which there may be none, and are none, come in the end by name alone. */
function itemOf(verdict: Verdict): string {
  const { name, figures, bounds, floors, skipped } = verdict
  const isNone = ([figure, value]: readonly [string, number]) => value === 0 && bounds[figure] === 0
  const all = Object.entries(figures)
  const told = all
    .filter((each) => !isNone(each))
    .map(([figure, value]) => {
      const [least, most] = [floors[figure], bounds[figure]]
      const floor = least === undefined ? "" : ` [≥ ${grouped(least)}]`
      return `${figure}: ${grouped(value)}${floor}${most === undefined ? "" : ` [${grouped(most)}]`}`
    })
  const none = all.filter(isNone).map(([figure]) => figure)
  const parts = [
    ...skipped.map((why) => `not tried: ${why}`),
    ...told,
    ...(none.length === 0 ? [] : [`0 [0]: ${none.join(", ")}`]),
  ]
  return `\`${name}\`${isKept(verdict) ? "" : "*"}: ${parts.join("; ")}.`
}

function wrapped(text: string, first: string, margin: string): string {
  return first + Bun.wrapAnsi(text, width - margin.length).replaceAll("\n", `\n${margin}`)
}

if (import.meta.main) {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new Error("name the report of a long run: npm run docs:figures -- FILE")
  writeFileSync(page, withFigures(readFileSync(page, "utf8"), reportIn(readFileSync(file, "utf8"))))
}
