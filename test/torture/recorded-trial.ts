import type { Machine } from "../../bench/machine.ts"
import type { Effort, Torture, Trial } from "./torture.ts"

/** What `npm run torture -- --json FILE` writes. */
export interface TortureReport {
  /** When it was over, in UTC. */
  readonly at: string
  readonly machine: Machine
  readonly verdicts: readonly Verdict[]
}

export interface Verdict {
  readonly name: string
  readonly promise: string
  readonly seed: number
  readonly seconds: number
  readonly figures: Readonly<Record<string, number>>
  /** How often which bound, by figure. */
  readonly bounds: Readonly<Record<string, number>>
  /** What was wrong; empty when the promise was kept. */
  readonly wrong: readonly string[]
}

export interface TrialSettings {
  readonly effort: Effort
  readonly seed: number
  readonly executable: string
  readonly tell: (line: string) => void
}

/** More of them say no more. */
const mostWrong = 20

/** Runs one torture. What it throws counts as wrong: a promise that could not be looked at is not kept. */
export async function tried(torture: Torture, settings: TrialSettings): Promise<Verdict> {
  const trial = new RecordedTrial(settings)
  const startedAt = performance.now()
  try {
    await torture.run(trial)
  } catch (error) {
    trial.wrong(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { name, promise } = torture
  const seconds = (performance.now() - startedAt) / 1000
  const { figures, bounds, allWrong } = trial
  return { name, promise, seed: settings.seed, seconds, figures, bounds, wrong: allWrong }
}

class RecordedTrial implements Trial {
  readonly effort: Effort
  readonly seed: number
  readonly executable: string
  readonly tell: (line: string) => void
  readonly figures: Record<string, number> = {}
  readonly bounds: Record<string, number> = {}
  readonly #wrong: string[] = []
  #wrongCount = 0

  constructor({ effort, seed, executable, tell }: TrialSettings) {
    this.effort = effort
    this.seed = seed
    this.executable = executable
    this.tell = tell
  }

  get allWrong(): readonly string[] {
    const more = this.#wrongCount - this.#wrong.length
    return more > 0 ? [...this.#wrong, `and ${more} more`] : this.#wrong
  }

  figure(name: string, value: number): void {
    this.figures[name] = value
  }

  count(name: string, more = 1): void {
    this.figures[name] = (this.figures[name] ?? 0) + more
  }

  bounded(name: string, value: number, most: number): void {
    this.#state(name, value, most)
    if (!(value <= most)) this.wrong(`${name}: ${value}, where at most ${most} is promised`)
  }

  timed(name: string, value: number, most: number): void {
    if (this.effort === "long") this.bounded(name, value, most)
    else this.#state(name, value, most)
  }

  wrong(what: string): void {
    this.#wrongCount += 1
    if (this.#wrong.length < mostWrong) this.#wrong.push(what)
  }

  #state(name: string, value: number, most: number): void {
    this.figures[name] = value
    this.bounds[name] = most
  }
}
