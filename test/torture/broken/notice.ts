import type { Machine } from "../../../bench/machine.ts"
import type { Effort } from "../torture.ts"
import type { Break } from "./break.ts"

/** What `npm run torture:broken -- --json FILE` writes. */
export interface BrokenReport {
  /** When it was over, in UTC. */
  readonly at: string
  readonly machine: Machine
  readonly seed: number
  /** Tortures of the unbroken sources; empty when they were left out. */
  readonly controls: readonly Control[]
  readonly breaks: readonly Attempt[]
}

export interface Control {
  readonly torture: string
  readonly effort: Effort
  readonly seconds: number
  /** Empty when the promise was kept. */
  readonly wrong: readonly string[]
}

export interface Attempt extends Notice {
  readonly what: string
  readonly torture: string
  readonly effort: Effort
  readonly seconds: number
}

export interface Notice {
  /** `otherwise`: something was found wrong, and not that which the break makes wrong. */
  readonly noticed: "yes" | "no" | "otherwise"
  /** What the torture found wrong: the first that the break explains, or the first of all. Empty: nothing. */
  readonly as: string
}

/** @param wrong all that the torture found wrong */
export function noticeOf({ as }: Pick<Break, "as">, wrong: readonly string[]): Notice {
  const [first] = wrong
  if (first === undefined) return { noticed: "no", as: "" }
  const explained = as === undefined ? first : wrong.find((each) => as.test(each))
  if (explained === undefined) return { noticed: "otherwise", as: first }
  return { noticed: "yes", as: explained }
}
