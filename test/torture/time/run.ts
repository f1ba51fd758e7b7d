import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import pc from "picocolors"
import { thisMachine } from "../../../bench/machine.ts"
import { table } from "../../../cli/output.ts"
import { executable } from "../../../scripts/executable.ts"
import { type Finding, findings, leftBehind } from "./judgement.ts"
import { soak, type SoakReport } from "./soak.ts"
import { sparkline } from "./sparkline.ts"
import type { VitalSigns } from "./vital-signs.ts"

/*
 * Lets clients come and go for as long as one likes, and says whether anything grows: `npm run soak -- --minutes 60`.
 * Ends with 1 when something does, or something is left when everybody is gone.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "40" },
    seed: { type: "string" },
    json: { type: "string" },
  },
})

const minutes = Number(values.minutes)
const playsPerSecond = Number(values.rate)
if (!(minutes >= 1)) throw new Error("--minutes: at least 1")
if (!(playsPerSecond > 0)) throw new Error("--rate: plays in a second, above 0")
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint16Array(1))[0])
const paint = pc.createColors(process.stderr.isTTY && (process.env["NO_COLOR"] ?? "") === "")
const everyMs = 10_000

// A quarter, for memory takes its shape in minutes.
const warmUpMs = (minutes * 60_000) / 4
const all: VitalSigns[] = []
let toldAtMs = 0

console.error(`${minutes} minutes, the first ${(warmUpMs / 60_000).toFixed(1)} to warm up, seed ${seed}`)
const report = await soak({
  executable: await executable(),
  seed,
  warmUpMs,
  measuredMs: minutes * 60_000 - warmUpMs,
  playsPerSecond,
  onSigns(signs, { played, underway }) {
    all.push(signs)
    if (signs.atMs - toldAtMs < everyMs) return
    toldAtMs = signs.atMs
    tell(signs, played, underway)
  },
})

const found = findings(report.signs)
const left = leftBehind(report)
console.log(`\n${table([["what", "level", "rise", "in an hour", "tolerated", ""], ...found.map(row)])}`)
console.log(
  table([["done", "how often"], ...Object.entries(report.counts).map(([what, n]) => [what, String(n)])]),
)
console.log(cpuLine(report))
const problems = [
  ...found.filter(({ rises }) => rises).map(({ vital }) => `${vital.name}: rises`),
  ...left,
  ...report.wrong,
]
for (const problem of problems) console.log(paint.red(problem))
console.log(problems.length === 0 ? "no trend, and nothing left" : `${problems.length} PROBLEMS`)
if (values.json !== undefined) {
  const judged = found.map(({ vital, ...rest }) => ({ name: vital.name, ...rest }))
  const whole = {
    at: new Date().toISOString(),
    machine: thisMachine(),
    seed,
    minutes,
    playsPerSecond,
    warmUpMs,
  }
  const text = JSON.stringify({ ...whole, problems, findings: judged, report, warmUp: all }, undefined, 1)
  writeFileSync(values.json, `${text}\n`)
}
process.exitCode = problems.length === 0 ? 0 : 1

function tell(signs: VitalSigns, played: number, underway: number): void {
  const isWarm = signs.atMs >= warmUpMs
  const line = [
    `${(signs.atMs / 1000).toFixed(0).padStart(5)} s`,
    `memory ${megabytes(signs.residentBytes)} MB`,
    `heap ${megabytes(signs.heapBytes)} MB`,
    `${signs.descriptors} descriptors`,
    `database ${megabytes(signs.databaseBytes)} + ${megabytes(signs.logBytes)} MB`,
    `${played} plays, ${underway} under way`,
    sparkline(all.map(({ residentBytes }) => residentBytes)),
  ].join("  ")
  console.error(isWarm ? line : paint.dim(line))
}

function row({ vital, trend, tolerated, rises }: Finding): string[] {
  const told = (value: number) => (vital.unit === "MB" ? `${megabytes(value)} MB` : value.toFixed(2))
  const { level, growth, perHour } = trend
  return [vital.name, told(level), told(growth), told(perHour), told(tolerated), rises ? "RISES" : "level"]
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}

function cpuLine({ signs }: SoakReport): string {
  const first = signs[0]
  const last = signs.at(-1)
  if (first === undefined || last === undefined) throw new Error("nothing was measured")
  const share = (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs)
  return `CPU of the broker: ${(share * 100).toFixed(1)} % of a core`
}
