import type { Torture } from "../torture.ts"
import { tryCrashes } from "./crash-run.ts"
import { killedAtStop } from "./fate.ts"

/** A stop under this load, on a machine that does nothing else. */
const usualStopMs = 60

export const crashInShutdown: Torture = {
  name: "crash in shutdown",
  promise: "kill -9 while the broker stops under load loses nothing that was acknowledged",
  async run(trial) {
    const ends = { killed: 0, stopped: 0 }
    // Of the few in a short trial each may have come to its end in order.
    const { rounds, leastKilled } =
      trial.effort === "long" ? { rounds: 35, leastKilled: 10 } : { rounds: 1, leastKilled: 0 }
    await tryCrashes(trial, rounds, (random) =>
      killedAtStop(random, usualStopMs, (how) => void (ends[how] += 1)),
    )
    trial.atLeast("stops asked for", ends.killed + ends.stopped, rounds)
    trial.atLeast("stops killed", ends.killed, leastKilled)
  },
}
