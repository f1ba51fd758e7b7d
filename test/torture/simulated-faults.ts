import { commandFor, simulate } from "../simulation/simulation.ts"
import type { Torture } from "./torture.ts"

const steps = 1000
/** After so many more seeds tell nothing new. */
const mostViolations = 20

/** Many seeds of test/simulation, whose own test runs the first of them. */
export const simulatedFaults: Torture = {
  name: "simulated faults",
  promise: "every promise is kept, whatever the network, the disk and the clock do together, in storms",
  async run(trial) {
    let violations = 0
    let told = 0
    const seeds = trial.effort === "long" ? 10_000 : 20
    for (let seed = trial.seed; seed < trial.seed + seeds; seed++) {
      const { violation, story, figures } = await simulate(seed, steps)
      told += 1
      for (const [name, count] of Object.entries(figures)) trial.count(name, count)
      if (violation !== undefined) {
        violations += 1
        trial.wrong(`seed ${seed}: ${violation}; ${commandFor(seed, steps)}\n${story}`)
      }
      if (violations >= mostViolations) break
      if ((seed - trial.seed) % 500 === 499) trial.tell(`${seed - trial.seed + 1} of ${seeds} seeds`)
    }
    trial.atLeast("seeds", told, seeds)
  },
}
