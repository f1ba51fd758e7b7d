import { simulate } from "../simulation/simulation.ts"
import type { Torture } from "./torture.ts"

/** Many seeds of test/simulation, whose own test runs the first of them. */
export const simulatedFaults: Torture = {
  name: "simulated faults",
  promise: "every promise is kept, whatever the network, the disk and the clock do in whatever order",
  async run(trial) {
    const seeds = trial.effort === "long" ? 10_000 : 20
    for (let seed = trial.seed; seed < trial.seed + seeds; seed++) {
      const { violation, story, arrivals, crashes } = await simulate(seed, 1000)
      trial.count("seeds")
      trial.count("messages delivered", arrivals)
      trial.count("crashes", crashes)
      if (violation !== undefined) trial.wrong(`seed ${seed}: ${violation}\n${story}`)
      if ((seed - trial.seed) % 500 === 499) trial.tell(`${seed - trial.seed + 1} of ${seeds} seeds`)
    }
  },
}
