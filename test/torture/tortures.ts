import { crashAtWork } from "./crash/crash-at-work.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import { timeSoak } from "./time/time-soak.ts"
import { timeSteps } from "./time/time-steps.ts"
import type { Torture } from "./torture.ts"

/** All of them, in the order in which they are tried. */
export const tortures: readonly Torture[] = [crashAtWork, simulatedFaults, timeSoak, timeSteps]
