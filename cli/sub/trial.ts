import { systemClock, type Timer } from "../../src/foundation/clock.ts"
import { ExitCode } from "../manner.ts"
import { paint } from "../output.ts"
import { type ExpectOptions, wantedOf } from "./expect-options.ts"
import { type Report, reportJson, reportText } from "./expect-report.ts"
import { Expectations, type Wanted } from "./expectations.ts"

/** What is expected of a run, by when, and what came of it. */
export class Trial {
  readonly wanted: Wanted
  readonly expectations: Expectations
  readonly #withinMs: number
  #beganAtMs: number | undefined
  #deadline: Timer | undefined

  constructor(wanted: Wanted, withinMs: number) {
    this.wanted = wanted
    this.#withinMs = withinMs
    this.expectations = new Expectations(wanted)
  }

  /** The subscriptions stand: what comes from now on counts. */
  begin(): void {
    this.#beganAtMs = performance.now()
  }

  /** From now on there is so much time. Resolves when all is settled, or the time is over. */
  decided(): Promise<void> {
    const atMs = systemClock.now() + this.#withinMs
    this.#deadline = systemClock.at(atMs, () => this.expectations.timeIsOver())
    return this.expectations.settled
  }

  /** @returns the report as a person or a program is to have it, and the exit code */
  end(asJson: boolean): { readonly text: string; readonly exitCode: number } {
    this.#deadline?.cancel()
    const milliseconds = performance.now() - (this.#beganAtMs ?? performance.now())
    const report: Report = {
      wanted: this.wanted,
      outcome: this.expectations.outcome(),
      withinMs: this.#withinMs,
      seconds: Math.ceil(milliseconds) / 1000,
    }
    return {
      text: asJson ? reportJson(report) : reportText(report, paint),
      exitCode: report.outcome.met ? 0 : ExitCode.notAsExpected,
    }
  }
}

/** @returns undefined when nothing is expected */
export function trialOf(options: ExpectOptions): Trial | undefined {
  const asked = wantedOf(options)
  return asked && new Trial(asked.wanted, asked.withinMs)
}
