import type { Machine } from "../../bench/machine.ts"
import type { Effort, Torture, Trial } from "./torture.ts"

/** What `npm run torture -- --json FILE` writes. */
export interface TortureReport {
  /** When the last of them was over, in UTC. */
  readonly at: string
  readonly machine: Machine
  readonly verdicts: readonly Verdict[]
  /** Names of those that were still to come: none, unless the run was cut off. */
  readonly left: readonly string[]
}

export interface Verdict {
  readonly name: string
  readonly promise: string
  readonly seed: number
  readonly seconds: number
  readonly figures: Readonly<Record<string, number>>
  /** How much it may be, by figure. */
  readonly bounds: Readonly<Record<string, number>>
  /** How much it must be, by figure. */
  readonly floors: Readonly<Record<string, number>>
  /** Why it was not tried, or not all of it; empty when it was. */
  readonly skipped: readonly string[]
  /** What was wrong; empty when no promise was broken. */
  readonly wrong: readonly string[]
  /** It was not over at its deadline, and may still be at work. */
  readonly givenUp: boolean
}

export interface TrialSettings {
  readonly effort: Effort
  readonly seed: number
  readonly executable: string
  readonly tell: (line: string) => void
  /** How long it may take, if not as long as usual. */
  readonly deadlineMs?: number
}

/** Several times what the slowest takes. In the test command it is sooner than that gives up. */
const usualDeadlineMs = { short: 110_000, long: 1_200_000 } as const satisfies Record<Effort, number>

/** More of them say no more. */
const mostWrong = 20

/** What was tried, all of it, and not broken. */
export function isKept({ wrong, skipped }: Verdict): boolean {
  return wrong.length === 0 && skipped.length === 0
}

/**
 * Runs one torture. What it throws counts as wrong: a promise that could not be looked at is not kept. One that is not
 * over in time is wrong as well, and left alone: it ends with its broker, or when it next tells how far it is.
 */
export async function tried(torture: Torture, settings: TrialSettings): Promise<Verdict> {
  const { seed, deadlineMs = usualDeadlineMs[settings.effort] } = settings
  const trial = new RecordedTrial(settings)
  const startedAt = performance.now()
  const late = Promise.withResolvers<"late">()
  const timer = setTimeout(() => late.resolve("late"), deadlineMs)
  let givenUp = false
  try {
    const over = torture.run(trial).then(() => "over" as const)
    givenUp = (await Promise.race([over, late.promise])) === "late"
    if (givenUp) trial.wrong(`not over after ${deadlineMs / 1000} s`)
  } catch (error) {
    trial.wrong(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    clearTimeout(timer)
  }
  const { name, promise } = torture
  const seconds = (performance.now() - startedAt) / 1000
  return { name, promise, seed, seconds, ...trial.end(), givenUp }
}

class RecordedTrial implements Trial {
  readonly effort: Effort
  readonly seed: number
  readonly executable: string
  readonly #tell: (line: string) => void
  readonly #figures: Record<string, number> = {}
  readonly #bounds: Record<string, number> = {}
  readonly #floors: Record<string, number> = {}
  readonly #skipped = new Set<string>()
  readonly #wrong: string[] = []
  #wrongCount = 0
  #isOver = false

  constructor({ effort, seed, executable, tell }: TrialSettings) {
    this.effort = effort
    this.seed = seed
    this.executable = executable
    this.#tell = tell
  }

  /** Whatever is told from now on comes too late. @returns what was until now */
  end(): Pick<Verdict, "figures" | "bounds" | "floors" | "skipped" | "wrong"> {
    this.#isOver = true
    const more = this.#wrongCount - this.#wrong.length
    return {
      figures: { ...this.#figures },
      bounds: { ...this.#bounds },
      floors: { ...this.#floors },
      skipped: [...this.#skipped],
      wrong: more > 0 ? [...this.#wrong, `and ${more} more`] : [...this.#wrong],
    }
  }

  tell(line: string): void {
    if (this.#isOver) throw new Error(`too late, the trial is over: ${line}`)
    this.#tell(line)
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value
  }

  count(name: string, more = 1): void {
    this.#figures[name] = (this.#figures[name] ?? 0) + more
  }

  bounded(name: string, value: number, most: number): void {
    this.#state(name, value, most)
    if (!(value <= most)) this.wrong(`${name}: ${value}, where at most ${most} is promised`)
  }

  timed(name: string, value: number, most: number): void {
    if (this.effort === "long") this.bounded(name, value, most)
    else this.#state(name, value, most)
  }

  atLeast(name: string, value: number, least: number): void {
    const isLess = !(name in this.#floors) || value < (this.#figures[name] ?? 0)
    if (isLess) {
      this.#figures[name] = value
      this.#floors[name] = least
    }
    if (!(value >= least)) this.wrong(`${name}: ${value}, where it takes at least ${least} to try it`)
  }

  skipped(why: string): void {
    if (this.#skipped.has(why)) return
    this.#skipped.add(why)
    this.tell(`not tried: ${why}`)
    if (this.effort === "long") this.wrong(`not tried: ${why}`)
  }

  wrong(what: string): void {
    this.#wrongCount += 1
    if (this.#wrong.length < mostWrong) this.#wrong.push(what)
  }

  #state(name: string, value: number, most: number): void {
    const isMore = !(name in this.#bounds) || value > (this.#figures[name] ?? 0)
    if (!isMore) return
    this.#figures[name] = value
    this.#bounds[name] = most
  }
}
