import { crashAtWork } from "./crash/crash-at-work.ts"
import { fuzzDecoders } from "./protocol/fuzz-decoders.ts"
import { fuzzWire } from "./protocol/fuzz-wire.ts"
import { protocolMalformed } from "./protocol/protocol-malformed.ts"
import { protocolViolations } from "./protocol/protocol-violations.ts"
import { simulatedFaults } from "./simulated-faults.ts"
import type { Torture } from "./torture.ts"

/** All of them, in the order in which they are tried. */
export const tortures: readonly Torture[] = [
  crashAtWork,
  simulatedFaults,
  protocolMalformed,
  protocolViolations,
  fuzzDecoders,
  fuzzWire,
]
