import type { Effort } from "../torture.ts"

/** A change that makes the broker worse, and the torture that must notice. */
export interface Break extends Change {
  /** What the broker then does. */
  readonly what: string
  /** The name of a torture. */
  readonly noticedBy: string
  /** What is found by the short trial already is tried by that. */
  readonly effort: Effort
  /**
   * One of the things that the torture finds wrong must match, for it may break down over something else. Undefined:
   * whatever it finds will do.
   */
  readonly as?: RegExp
}

/** One place of the sources, and what stands there instead. */
export interface Change {
  /** From the root of the sources. */
  readonly file: string
  /** Is there once. */
  readonly find: string
  readonly replace: string
}
