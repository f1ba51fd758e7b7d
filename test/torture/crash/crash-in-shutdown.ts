import type { Torture } from "../torture.ts"
import { tryCrashes } from "./crash-run.ts"
import { killedAtStop } from "./fate.ts"

/** A stop under this load, on a machine that does nothing else. */
const usualStopMs = 60

export const crashInShutdown: Torture = {
  name: "crash in shutdown",
  promise: "kill -9 while the broker stops under load loses nothing that was acknowledged",
  async run(trial) {
    await tryCrashes(trial, trial.effort === "long" ? 35 : 1, (random) =>
      killedAtStop(random, usualStopMs, (how) =>
        trial.count(how === "killed" ? "stops killed" : "stops in order"),
      ),
    )
  },
}
