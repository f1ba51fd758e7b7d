import { crashAtWork } from "./crash/crash-at-work.ts"
import { connectStorm } from "./overload/connect-storm.ts"
import { flipFlop } from "./overload/flip-flop.ts"
import { openFiles } from "./overload/open-files.ts"
import { reconnectStorm } from "./overload/reconnect-storm.ts"
import { slowloris } from "./overload/slowloris.ts"
import { slowReaders } from "./overload/slow-readers.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import type { Torture } from "./torture.ts"

/** All of them, in the order in which they are tried. */
export const tortures: readonly Torture[] = [
  crashAtWork,
  slowReaders,
  slowloris,
  openFiles,
  connectStorm,
  reconnectStorm,
  flipFlop,
  simulatedFaults,
]
