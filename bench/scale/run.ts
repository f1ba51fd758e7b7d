import { parseArgs } from "node:util"
import { type Figures, markdown, type Progress } from "./figures.ts"
import { measureGrowth } from "./growth.ts"
import { measureLogins } from "./logins.ts"
import { measureMemory } from "./memory.ts"
import { plot } from "./plot.ts"
import { measureStalls } from "./stalls.ts"
import { measureStart } from "./start.ts"

/*
 * What the broker does when there is much of everything: `npm run bench:scale -- memory|start|growth|stalls|logins [--json]`, and
 * `growth --plot growth.svg`.
 * Progress goes to standard error, figures to standard output.
 */

const measurements: Readonly<Record<string, (progress: Progress) => Promise<Figures>>> = {
  growth: measureGrowth,
  logins: measureLogins,
  memory: measureMemory,
  stalls: measureStalls,
  start: measureStart,
}

const { values, positionals } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    /** An SVG file of what `growth` has measured. */
    plot: { type: "string" },
  },
  allowPositionals: true,
})
const [name = ""] = positionals
const measure = measurements[name]
if (measure === undefined) {
  console.error(`bench:scale: say one of ${Object.keys(measurements).join(", ")}`)
  process.exit(1)
}
const figures = await measure((doing) => void process.stderr.write(`${doing}\n`))
if (values.plot !== undefined) await Bun.write(values.plot, plot(figures))
console.log(values.json ? JSON.stringify(figures, undefined, 2) : markdown(figures))
process.exit(0)
