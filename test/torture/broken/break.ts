import type { Effort } from "../torture.ts"

/** A change that makes the broker worse, and the torture that must notice. */
export interface Break {
  /** What the broker then does. */
  readonly what: string
  /** The name of a torture. */
  readonly noticedBy: string
  /** What is found by the short trial already is tried by that. */
  readonly effort: Effort
  /** From the root of the sources. */
  readonly file: string
  /** Is there once. */
  readonly find: string
  readonly replace: string
}
