import { crashAtWork } from "./crash/crash-at-work.ts"
import { damage } from "./disk/damage.ts"
import { diskErrors } from "./disk/errors.ts"
import { fileDeleted } from "./disk/file-deleted.ts"
import { fullDisk } from "./disk/full.ts"
import { powerCut } from "./disk/power-cut.ts"
import { readOnlyDisk } from "./disk/read-only.ts"
import { slowDisk } from "./disk/slow.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import type { Torture } from "./torture.ts"

/** All of them, in the order in which they are tried. */
export const tortures: readonly Torture[] = [
  crashAtWork,
  powerCut,
  fullDisk,
  diskErrors,
  slowDisk,
  readOnlyDisk,
  fileDeleted,
  damage,
  simulatedFaults,
]
