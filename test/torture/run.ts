import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import pc from "picocolors"
import { thisMachine } from "../../bench/machine.ts"
import { table } from "../../cli/output.ts"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft } from "../failure/watched-broker.ts"
import { isKept, tried, type TortureReport, type Verdict } from "./recorded-trial.ts"
import { tortures } from "./tortures.ts"

/*
 * Torments the compiled broker and says what became of its promises: `npm run torture`, or a part of it with
 * `--only crash`. Ends with 1 when a promise was broken. What there is to report is written after each torture: a run that
 * is cut off leaves what it has found.
 */

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    short: { type: "boolean", default: false },
    seed: { type: "string" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
  },
})

const chosen = tortures.filter(
  ({ name }) => values.only === undefined || values.only.some((beginning) => name.startsWith(beginning)),
)
if (chosen.length === 0) throw new Error(`--only: nothing begins with ${values.only?.join(" or ")}`)

if (values.list) {
  console.log(table([["torture", "promise"], ...chosen.map(({ name, promise }) => [name, promise])]))
} else {
  const verdicts = await tryAll()
  console.log(table([["figure", "value", "bound"], ...verdicts.flatMap(rows)]))
  console.log(outcomeOf(verdicts))
  // Of one that was given up something may be left that would hold this process.
  process.exit(verdicts.some(({ wrong }) => wrong.length > 0) ? 1 : 0)
}

async function tryAll(): Promise<readonly Verdict[]> {
  const path = await executable()
  const seed = Number(values.seed ?? crypto.getRandomValues(new Uint16Array(1))[0])
  const colors = pc.createColors(process.stderr.isTTY && (process.env["NO_COLOR"] ?? "") === "")
  const verdicts: Verdict[] = []
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error: unknown) => {
      // What is left of one that was given up fails when its broker is ended, and nobody waits for it any more.
      if (!verdicts.some(({ givenUp }) => givenUp)) throw error
      console.error(colors.dim(`  left over: ${String(error)}`))
    })
  }
  for (const [index, torture] of chosen.entries()) {
    const { name, promise } = torture
    console.error(colors.bold(`\n${index + 1} of ${chosen.length}: ${name}`) + colors.dim(`, seed ${seed}`))
    console.error(promise)
    const verdict = await tried(torture, {
      effort: values.short ? "short" : "long",
      seed,
      executable: path,
      tell: (line) => console.error(colors.dim(`  ${line}`)),
    })
    verdicts.push(verdict)
    killWhatIsLeft()
    for (const what of verdict.wrong) console.error(colors.red(`  WRONG: ${what}`))
    const outcome = wordFor(verdict)
    console.error(
      `${outcome === "kept" ? colors.green(outcome) : colors.red(outcome)} in ${verdict.seconds.toFixed(1)} s`,
    )
    report(verdicts)
  }
  return verdicts
}

function report(verdicts: readonly Verdict[]): void {
  if (values.json === undefined) return
  const left = chosen.slice(verdicts.length).map(({ name }) => name)
  const all: TortureReport = { at: new Date().toISOString(), machine: thisMachine(), verdicts, left }
  writeFileSync(values.json, `${JSON.stringify(all, undefined, 2)}\n`)
}

/** Such as `35 of 36 promises kept, 1 not tried: disk slow (no gcc)`. */
function outcomeOf(verdicts: readonly Verdict[]): string {
  const broken = verdicts.filter(({ wrong }) => wrong.length > 0).map(({ name }) => name)
  const untried = verdicts
    .filter((verdict) => wordFor(verdict) === "not tried")
    .map(({ name, skipped }) => `${name} (${skipped.join("; ")})`)
  const parts = [
    `${verdicts.filter(isKept).length} of ${verdicts.length} promises kept`,
    ...(broken.length === 0 ? [] : [`${broken.length} BROKEN: ${broken.join(", ")}`]),
    ...(untried.length === 0 ? [] : [`${untried.length} not tried: ${untried.join(", ")}`]),
  ]
  return parts.join(", ")
}

function wordFor(verdict: Verdict): "kept" | "BROKEN" | "not tried" {
  if (isKept(verdict)) return "kept"
  return verdict.wrong.length > 0 ? "BROKEN" : "not tried"
}

function rows(verdict: Verdict): string[][] {
  const { name, seconds, figures, bounds, floors } = verdict
  const rounded = (value: number) => String(Math.round(value * 100) / 100)
  const bound = (figure: string) => {
    const [least, most] = [floors[figure], bounds[figure]]
    const words = [least === undefined ? "" : `≥ ${rounded(least)}`, most === undefined ? "" : rounded(most)]
    return words.filter((word) => word !== "").join(", ")
  }
  return [
    [`== ${name}`, `${wordFor(verdict)} in ${seconds.toFixed(0)} s`, ""],
    ...Object.entries(figures).map(([figure, value]) => [`   ${figure}`, rounded(value), bound(figure)]),
  ]
}
