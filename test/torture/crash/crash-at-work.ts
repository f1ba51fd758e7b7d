import type { Torture } from "../torture.ts"
import { tryCrashes } from "./crash-run.ts"
import { killedAtWork } from "./fate.ts"

export const crashAtWork: Torture = {
  name: "crash at work",
  promise: "kill -9 under load loses nothing that was acknowledged, and doubles nothing at QoS 2",
  run: (trial) => tryCrashes(trial, trial.effort === "long" ? 60 : 2, killedAtWork),
}
