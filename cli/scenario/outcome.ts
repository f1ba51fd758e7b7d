import { unreachable } from "../../src/foundation/assert.ts"
import type { Step } from "./scenario.ts"

/** What a step was to see, and what it saw instead. */
export interface Difference {
  readonly expected: string
  readonly got: string
}

export interface StepOutcome {
  /** From 1. */
  readonly number: number
  readonly text: string
  readonly seconds: number
  /** `not reached`: one before it failed. */
  readonly result: "passed" | "not reached" | Difference
}

export interface ScenarioOutcome {
  readonly file: string
  readonly name: string
  readonly seconds: number
  readonly steps: readonly StepOutcome[]
  /** Why it was not played; then it has no steps. */
  readonly skipped?: string
}

/** A step in a few words. */
export function textOf({ verb, step }: Step): string {
  switch (verb) {
    case "connect":
      return `connect ${step.connect}`
    case "subscribe":
      return `subscribe ${step.subscribe} to ${[step.to].flat().join(", ")}`
    case "unsubscribe":
      return `unsubscribe ${step.unsubscribe} from ${[step.from].flat().join(", ")}`
    case "publish":
      return `publish ${step.publish} to ${step.topic}`
    case "expect":
      return `expect ${step.expect} to get ${step.topic}`
    case "nothing":
      return `nothing for ${step.nothing} of ${step.topic}`
    case "ended":
      return `ended: the connection of ${step.ended}`
    case "disconnect":
      return `disconnect ${step.disconnect}`
    case "drop":
      return `drop ${step.drop}`
    case "restart":
      return "restart the broker"
    case "advance":
      return `advance by ${step.advance / 1000} s`
    case "wait":
      return `wait ${step.wait / 1000} s`
    default:
      return unreachable(verb)
  }
}

/** The step that failed, if one did. */
export function failureOf({
  steps,
}: ScenarioOutcome): (StepOutcome & { readonly result: Difference }) | undefined {
  for (const step of steps) {
    const { result } = step
    if (typeof result === "object") return { ...step, result }
  }
  return undefined
}
