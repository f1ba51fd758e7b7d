import type { Histogram } from "./histogram.ts"

/** How far a run is. */
export interface View {
  /** In one or two words. */
  readonly phase: string
  /** How much of it is done, from 0 to 1; undefined: nobody knows. */
  readonly share: number | undefined
  /** What was counted so far in the measured part, and in how long. */
  readonly count: number
  readonly seconds: number
  readonly latency: Histogram | undefined
}

/** Whoever looks on at a run, and may want it to end. */
export interface Watch {
  /** Until the next call, this is how to ask how far it is. */
  show(view: () => View): void
  /** Resolves when the run is to end early. */
  readonly interrupted: Promise<"interrupted">
}

/** A phase of which nothing is known but its name. */
export function phase(name: string): () => View {
  return () => ({ phase: name, share: undefined, count: 0, seconds: 0, latency: undefined })
}
