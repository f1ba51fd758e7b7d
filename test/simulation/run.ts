import { parseArgs } from "node:util"
import { Figures } from "./figures.ts"
import { commandFor, simulate } from "./simulation.ts"

/*
 * Many simulations, or one in full: `bun test/simulation/run.ts --seed 7 --seeds 10000 --steps 500`. With one seed it
 * tells the whole story.
 */

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: "300" },
    events: { type: "string" },
  },
})
const first = Number(values.seed)
const seeds = Number(values.seeds)
const events = Number(values.events ?? (seeds === 1 ? Number.MAX_SAFE_INTEGER : 40))
const steps = Number(values.steps)
const figures = new Figures()
let violations = 0
for (let seed = first; seed < first + seeds; seed++) {
  const outcome = await simulate(seed, steps, events)
  figures.add(outcome.figures)
  if (outcome.violation !== undefined) violations += 1
  if (outcome.violation === undefined && seeds > 1) continue
  console.log(`\nseed ${seed}: ${outcome.violation ?? "all promises kept"}\n${outcome.story}`)
  if (seeds > 1) console.log(`the whole of it: ${commandFor(seed, steps)}`)
}
for (const [name, count] of Object.entries(figures.all)) console.log(`${String(count).padStart(10)} ${name}`)
console.log(`${seeds} seeds, ${violations} violations`)
process.exitCode = violations === 0 ? 0 : 1
