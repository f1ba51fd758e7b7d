import { crashAtStartUp } from "./crash/crash-at-start-up.ts"
import { crashAtWork } from "./crash/crash-at-work.ts"
import { crashInBackup } from "./crash/crash-in-backup.ts"
import { crashInMigration } from "./crash/crash-in-migration.ts"
import { crashInRecovery } from "./crash/crash-in-recovery.ts"
import { crashInShutdown } from "./crash/crash-in-shutdown.ts"
import { crashWithWills } from "./crash/crash-with-wills.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import type { Torture } from "./torture.ts"

/** All of them, in the order in which they are tried. */
export const tortures: readonly Torture[] = [
  crashAtWork,
  crashAtStartUp,
  crashInMigration,
  crashInShutdown,
  crashInBackup,
  crashInRecovery,
  crashWithWills,
  simulatedFaults,
]
