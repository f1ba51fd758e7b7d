import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import pc from "picocolors"
import { thisMachine } from "../../bench/machine.ts"
import { table } from "../../cli/output.ts"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft } from "../failure/watched-broker.ts"
import { tried, type TortureReport, type Verdict } from "./recorded-trial.ts"
import { tortures } from "./tortures.ts"

/*
 * Torments the compiled broker and says what became of its promises: `npm run torture`, or a part of it with
 * `--only crash`. Ends with 1 when a promise was broken.
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
  console.log(table([["figure", "value", "at most"], ...verdicts.flatMap(rows)]))
  if (values.json !== undefined) {
    const report: TortureReport = { at: new Date().toISOString(), machine: thisMachine(), verdicts }
    writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
  }
  const broken = verdicts.filter(({ wrong }) => wrong.length > 0)
  console.log(
    broken.length === 0
      ? `${verdicts.length} of ${verdicts.length} promises kept`
      : `${broken.length} of ${verdicts.length} promises BROKEN: ${broken.map(({ name }) => name).join(", ")}`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
}

async function tryAll(): Promise<readonly Verdict[]> {
  const path = await executable()
  const seed = Number(values.seed ?? crypto.getRandomValues(new Uint16Array(1))[0])
  const colors = pc.createColors(process.stderr.isTTY && (process.env["NO_COLOR"] ?? "") === "")
  const verdicts: Verdict[] = []
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
    killWhatIsLeft()
    for (const what of verdict.wrong) console.error(colors.red(`  WRONG: ${what}`))
    const outcome = verdict.wrong.length === 0 ? colors.green("kept") : colors.red("BROKEN")
    console.error(`${outcome} in ${verdict.seconds.toFixed(1)} s`)
    verdicts.push(verdict)
  }
  return verdicts
}

function rows({ name, seconds, figures, bounds, wrong }: Verdict): string[][] {
  const outcome = `${wrong.length === 0 ? "kept" : "BROKEN"} in ${seconds.toFixed(0)} s`
  const rounded = (value: number) => String(Math.round(value * 100) / 100)
  return [
    [`== ${name}`, outcome, ""],
    ...Object.entries(figures).map(([figure, value]) => {
      const most = bounds[figure]
      return [`   ${figure}`, rounded(value), most === undefined ? "" : rounded(most)]
    }),
  ]
}
