import { parseArgs } from "node:util"
import { crashRun } from "../test/crash/crash-run.ts"
import { executable } from "./executable.ts"

/*
 * Kills the broker in the middle of its work and looks whether it kept what it acknowledged:
 * `bun run scripts/crash.ts --rounds 50 --seed 7`. Fails when anything is lost, doubled or wrong.
 */

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "50" }, seed: { type: "string" } },
})
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0])
console.log(`seed ${seed}`)
const totals = await crashRun({
  path: await executable(),
  rounds: Number(values.rounds),
  seed,
  report: (line) => console.log(line),
})
console.log(JSON.stringify(totals))
const { rounds, kills, published, delivered, ...mustBeNone } = totals
const wrong = Object.values(mustBeNone).reduce((sum, count) => sum + count, 0)
console.log(
  `${rounds} rounds, ${kills} kills, ${published} published, ${delivered} delivered: ${wrong === 0 ? "nothing lost" : `${wrong} WRONG`}`,
)
process.exit(wrong === 0 ? 0 : 1)
