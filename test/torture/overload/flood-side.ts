import type { FloodReport, FloodTask } from "./flood.ts"
import { say, taskOf } from "./load-side.ts"

/*
 * The load's side of a flood.
 */

/** What a load finds out. */
export class Findings {
  readonly #figures: Record<string, number> = {}
  readonly #wrong: string[] = []

  figure(name: string, value: number): void {
    this.#figures[name] = value
  }

  count(name: string, more = 1): void {
    this.#figures[name] = (this.#figures[name] ?? 0) + more
  }

  wrong(what: string): void {
    this.#wrong.push(what)
  }

  /** Tells it as wrong unless it is as it should be. */
  is(what: string, value: unknown, expected: unknown): void {
    if (!Object.is(value, expected)) this.wrong(`${what}: ${String(value)}, and not ${String(expected)}`)
  }

  get report(): FloodReport {
    return { did: "flooded", figures: this.#figures, wrong: this.#wrong }
  }
}

/** Runs the load of this process, and reports. */
export async function flood(pour: (task: FloodTask, findings: Findings) => Promise<void>): Promise<void> {
  const findings = new Findings()
  await pour(taskOf<FloodTask>(), findings)
  say(findings.report)
  // Whatever still listens for more of the broker is of no interest.
  process.exit(0)
}
