import { crashAtStartUp } from "./crash/crash-at-start-up.ts"
import { crashAtWork } from "./crash/crash-at-work.ts"
import { crashInBackup } from "./crash/crash-in-backup.ts"
import { crashInMigration } from "./crash/crash-in-migration.ts"
import { crashInRecovery } from "./crash/crash-in-recovery.ts"
import { crashInShutdown } from "./crash/crash-in-shutdown.ts"
import { crashWithWills } from "./crash/crash-with-wills.ts"
import { damage } from "./disk/damage.ts"
import { diskErrors } from "./disk/errors.ts"
import { fileDeleted } from "./disk/file-deleted.ts"
import { fullDisk } from "./disk/full.ts"
import { powerCut } from "./disk/power-cut.ts"
import { readOnlyDisk } from "./disk/read-only.ts"
import { recoveryCut } from "./disk/recovery-cut.ts"
import { slowDisk } from "./disk/slow.ts"
import { overloadBackup } from "./overload/backup.ts"
import { connectStorm } from "./overload/connect-storm.ts"
import { overloadDeepTopics } from "./overload/deep-topics.ts"
import { overloadFastPublisher } from "./overload/fast-publisher.ts"
import { flipFlop } from "./overload/flip-flop.ts"
import { overloadNeverReleased } from "./overload/never-released.ts"
import { openFiles } from "./overload/open-files.ts"
import { overloadPropertyBombs } from "./overload/property-bombs.ts"
import { reconnectStorm } from "./overload/reconnect-storm.ts"
import { overloadRetained } from "./overload/retained.ts"
import { slowReaders } from "./overload/slow-readers.ts"
import { slowloris } from "./overload/slowloris.ts"
import { overloadSubscriptions } from "./overload/subscriptions.ts"
import { overloadWildcards } from "./overload/wildcards.ts"
import { overloadWills } from "./overload/wills-and-retained.ts"
import { fuzzDecoders } from "./protocol/fuzz-decoders.ts"
import { fuzzWire } from "./protocol/fuzz-wire.ts"
import { protocolMalformed } from "./protocol/protocol-malformed.ts"
import { protocolViolations } from "./protocol/protocol-violations.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import { timeSoak } from "./time/time-soak.ts"
import { timeSteps } from "./time/time-steps.ts"
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
  damage,
  diskErrors,
  fileDeleted,
  fullDisk,
  powerCut,
  readOnlyDisk,
  recoveryCut,
  slowDisk,
  fuzzDecoders,
  fuzzWire,
  protocolMalformed,
  protocolViolations,
  overloadBackup,
  connectStorm,
  overloadDeepTopics,
  overloadFastPublisher,
  flipFlop,
  overloadNeverReleased,
  openFiles,
  overloadPropertyBombs,
  reconnectStorm,
  overloadRetained,
  slowReaders,
  slowloris,
  overloadSubscriptions,
  overloadWildcards,
  overloadWills,
  timeSoak,
  timeSteps,
  simulatedFaults,
]
