import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import pc from "picocolors"
import { thisMachine } from "../../../bench/machine.ts"
import { table } from "../../../cli/output.ts"
import type { Break } from "./break.ts"
import { breaks } from "./breaks.ts"
import { tortureCopy } from "./copy.ts"
import { type Attempt, type BrokenReport, type Control, noticeOf } from "./notice.ts"

/*
 * Breaks a copy of the sources in one place after the other, and looks whether the torture that should notice does:
 * `npm run torture:broken`, or a part of it with `--only crash`, by the beginning of a torture's name or of what a broken
 * broker does. Each torture is tried on an unbroken copy first (not with `--no-control`), for one that is broken itself
 * notices everything. Ends with 1 when a break goes unnoticed, or is noticed as something else, or when an unbroken copy
 * is found wanting.
 */

/** Always the same, so that what chance decides does not let a break through today that was noticed yesterday. */
const seed = 20_261_130

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    "no-control": { type: "boolean", default: false },
    json: { type: "string" },
  },
})
const isMeant = (text: string) => values.only?.some((beginning) => text.startsWith(beginning)) ?? true
const chosen = breaks.filter(({ noticedBy, what }) => isMeant(noticedBy) || isMeant(what))
if (chosen.length === 0) throw new Error(`--only: nothing begins with ${values.only?.join(" or ")}`)

const controls = values["no-control"] ? [] : await tryUnbroken()
const attempts = await tryBroken()
if (values.json !== undefined) {
  const report: BrokenReport = {
    at: new Date().toISOString(),
    machine: thisMachine(),
    seed,
    controls,
    breaks: attempts,
  }
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
}
console.log(table([["torture", "what the broken broker does", "noticed", "as"], ...attempts.map(row)]))
const unkept = controls.filter(({ wrong }) => wrong.length > 0)
for (const { torture, effort, wrong } of unkept) {
  console.log(`${torture} (${effort}) finds fault with an UNBROKEN broker: ${firstLine(wrong[0] ?? "")}`)
}
const unnoticed = attempts.filter(({ noticed }) => noticed !== "yes").length
console.log(unnoticed === 0 ? `${chosen.length} breaks noticed` : `${unnoticed} breaks UNNOTICED`)
process.exitCode = unnoticed + unkept.length === 0 ? 0 : 1

/** Each torture once in each effort in which it is to notice something. */
async function tryUnbroken(): Promise<readonly Control[]> {
  const concerned = new Map(chosen.map((each) => [`${each.noticedBy}, ${each.effort}`, each]))
  const tried: Control[] = []
  for (const [name, { noticedBy: torture, effort }] of concerned) {
    console.error(pc.bold(`control ${tried.length + 1} of ${concerned.size}: ${name}`))
    const { seconds, wrong } = await tortureCopy({ torture, effort, seed, change: undefined })
    tried.push({ torture, effort, seconds, wrong })
    console.error(wrong.length === 0 ? "  kept" : pc.red(`  NOT KEPT: ${firstLine(wrong[0] ?? "")}`))
  }
  return tried
}

async function tryBroken(): Promise<readonly Attempt[]> {
  const tried: Attempt[] = []
  for (const [index, each] of chosen.entries()) {
    console.error(pc.bold(`${index + 1} of ${chosen.length}: ${each.noticedBy}: ${each.what}`))
    const attempt = await attemptOf(each)
    tried.push(attempt)
    console.error(inWords(attempt))
  }
  return tried
}

async function attemptOf(each: Break): Promise<Attempt> {
  const { what, noticedBy: torture, effort } = each
  const { seconds, wrong } = await tortureCopy({ torture, effort, seed, change: each })
  return { what, torture, effort, seconds, ...noticeOf(each, wrong) }
}

function inWords({ noticed, as }: Attempt): string {
  switch (noticed) {
    case "yes":
      return `  noticed: ${firstLine(as)}`
    case "otherwise":
      return pc.red(`  noticed as something else: ${firstLine(as)}`)
    case "no":
      return pc.red("  unnoticed")
  }
}

function row({ torture, what, noticed, as }: Attempt): string[] {
  return [
    torture,
    what,
    noticed === "no" ? "NO" : noticed === "otherwise" ? "OTHERWISE" : "yes",
    firstLine(as),
  ]
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n")
  return line.length > 90 ? `${line.slice(0, 89)}…` : line
}
