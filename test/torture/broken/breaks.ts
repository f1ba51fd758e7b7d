import type { Break } from "./break.ts"
import { crashBreaks } from "./crash-breaks.ts"
import { diskBreaks } from "./disk-breaks.ts"
import { overloadBreaks } from "./overload-breaks.ts"
import { protocolBreaks } from "./protocol-breaks.ts"
import { simulatedBreaks } from "./simulated-breaks.ts"
import { timeBreaks } from "./time-breaks.ts"

/** At least one for each torture. */
export const breaks: readonly Break[] = [
  ...crashBreaks,
  ...diskBreaks,
  ...protocolBreaks,
  ...overloadBreaks,
  ...timeBreaks,
  ...simulatedBreaks,
]
