import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { grouped } from "../cli/quantities.ts"
import type { TortureReport, Verdict } from "../test/torture/recorded-trial.ts"

/*
 * Puts what a long run of the tortures has found into docs/reliability.md:
 * `npm run torture -- --json FILE`, then `npm run docs:figures -- FILE`.
 */

const page = join(new URL("..", import.meta.url).pathname, "docs/reliability.md")
const heading = "## Figures of the last long run\n"
const origin = "<!-- Made by `npm run docs:figures` of the report of a long run. -->"
const width = 120

/** @throws Error when the page has no such section */
export function withFigures(markdown: string, report: TortureReport): string {
  const start = markdown.indexOf(heading)
  const end = markdown.indexOf("\n## ", start + heading.length)
  if (start < 0 || end < 0)
    throw new Error(`docs/reliability.md has no "${heading.trim()}" with a section behind it`)
  return `${markdown.slice(0, start)}${heading}\n${origin}\n\n${sectionOf(report)}\n${markdown.slice(end)}`
}

function sectionOf({ at, machine, verdicts }: TortureReport): string {
  const kept = verdicts.filter(isKept).length
  const seconds = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0)
  const gibibytes = Math.round(machine.memoryBytes / 1024 ** 3)
  const sentences = [
    `Taken on ${at.slice(0, 10)} with seed ${verdicts[0]?.seed ?? "none"}, in one run of ${Math.round(seconds / 60)} minutes`,
    `on ${machine.cores} cores (${machine.cpu}), ${gibibytes} GiB, ${machine.kernel}.`,
    `It kept ${kept} of its ${verdicts.length} promises${kept < verdicts.length ? "; those marked * it broke" : ""}.`,
    "Bounds stand in brackets; times and memory are of that machine, counts of any.",
  ]
  const items = verdicts.map((verdict) => wrapped(itemOf(verdict), "- ", "  "))
  return `${wrapped(sentences.join(" "), "", "")}\n\n${items.join("\n")}`
}

/** A torture and its figures; those of which there may be none, and are none, come in the end by name alone. */
function itemOf(verdict: Verdict): string {
  const { name, figures, bounds } = verdict
  const isNone = ([figure, value]: readonly [string, number]) => value === 0 && bounds[figure] === 0
  const all = Object.entries(figures)
  const told = all
    .filter((each) => !isNone(each))
    .map(([figure, value]) => {
      const most = bounds[figure]
      return `${figure}: ${grouped(value)}${most === undefined ? "" : ` [${grouped(most)}]`}`
    })
  const none = all.filter(isNone).map(([figure]) => figure)
  const parts = none.length === 0 ? told : [...told, `0 [0]: ${none.join(", ")}`]
  return `\`${name}\`${isKept(verdict) ? "" : "*"}: ${parts.join("; ")}.`
}

function isKept({ wrong }: Verdict): boolean {
  return wrong.length === 0
}

function wrapped(text: string, first: string, margin: string): string {
  return first + Bun.wrapAnsi(text, width - margin.length).replaceAll("\n", `\n${margin}`)
}

if (import.meta.main) {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new Error("name the report of a long run: npm run docs:figures -- FILE")
  const report = JSON.parse(readFileSync(file, "utf8")) as TortureReport
  writeFileSync(page, withFigures(readFileSync(page, "utf8"), report))
}
