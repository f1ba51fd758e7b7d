import { Random } from "../../support/random.ts"
import { patiently } from "../patience.ts"
import { Churn } from "./churn.ts"
import { floodOfTopics } from "./flood.ts"
import { Monitor, type Remains } from "./monitor.ts"
import { atLast, commands, plays } from "./plays.ts"
import { SoakedBroker } from "./soaked-broker.ts"
import { Stage } from "./stage.ts"
import { descriptorsOf, type VitalSigns, vitalSigns } from "./vital-signs.ts"

export interface SoakOptions {
  /** The compiled broker. */
  readonly executable: string
  readonly seed: number
  /** Before anything is measured: caches fill, and memory takes its shape. 0: what is measured is not for a trend. */
  readonly warmUpMs: number
  readonly measuredMs: number
  readonly playsPerSecond: number
  /** Takes what the broker holds, once a second. */
  onSigns(signs: VitalSigns, churn: { readonly played: number; readonly underway: number }): void
}

export interface SoakReport {
  /** From the end of the warm-up on. */
  readonly signs: readonly VitalSigns[]
  /** What was done, by its name. */
  readonly counts: Readonly<Record<string, number>>
  /** What the broker had when everybody was gone; all of it must be 0. */
  readonly remains: Readonly<Record<string, number>>
  readonly descriptors: { readonly before: number; readonly after: number }
  /** How long the log of the database is then. */
  readonly logBytesAtRest: number
  readonly wrong: readonly string[]
}

/** Much longer than a second, for others may use the machine as well. */
const patienceMs = 300_000
/** What is left to expire is gone after two seconds, of which the broker itself counts each. */
const mostReports = 15

/** Lets clients come and go for a while, and looks what the broker holds meanwhile and afterwards. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const run = new SoakRun(options)
  await using soaked = await SoakedBroker.start(options.executable)
  return await run.run(soaked)
}

class SoakRun {
  readonly #options: SoakOptions
  readonly #counts: Record<string, number> = {}
  readonly #wrong: string[] = []
  readonly #signs: VitalSigns[] = []

  constructor(options: SoakOptions) {
    this.#options = options
  }

  async run(soaked: SoakedBroker): Promise<SoakReport> {
    const { broker, directory } = soaked
    const wrong = (what: string) => void this.#wrong.push(what)
    const monitor = await Monitor.of(broker.port("tcp"), wrong)
    if (this.#options.warmUpMs > 0) await floodOfTopics(soaked.doors[0])
    await this.#emptied(monitor)
    const before = descriptorsOf(broker.pid)
    const churn = this.#churn(soaked)
    churn.start()
    await this.#watch(soaked, monitor, churn)
    await patiently(churn.stop(), () => `${churn.underway} plays to come to their end`, patienceMs)
    this.#counts["plays"] = churn.played
    this.#counts["plays skipped"] = churn.skipped
    const remains = await this.#emptied(monitor)
    const after = descriptorsOf(broker.pid)
    const { logBytes } = vitalSigns(broker.pid, directory, 0, 0)
    this.#counts["messages dropped"] = monitor.number("publish/messages/dropped")
    this.#counts["sessions expired"] = monitor.number("clients/expired")
    await monitor.close()
    const exitCode = await broker.stop()
    if (exitCode !== 0) wrong(`the broker ended with ${exitCode}`)
    for (const line of broker.lines) if (line.level === "error") wrong(JSON.stringify(line))
    const rows = Object.entries(soaked.rowsLeft()).map(([table, count]) => [`rows of ${table}`, count])
    return {
      signs: this.#signs,
      counts: this.#counts,
      remains: { ...remains, ...Object.fromEntries(rows) },
      descriptors: { before, after },
      logBytesAtRest: logBytes,
      wrong: this.#wrong,
    }
  }

  #churn({ doors, directory }: SoakedBroker): Churn {
    const { executable, seed, playsPerSecond } = this.#options
    const random = new Random(seed)
    const wrong = (what: string) => void this.#wrong.push(what)
    const count = (what: string, more = 1) => {
      this.#counts[what] = (this.#counts[what] ?? 0) + more
    }
    const stage = new Stage({ random, doors, executable, directory, count, wrong })
    return new Churn({
      stage,
      random,
      plays,
      commands,
      commandEveryMs: 5_000,
      atLast,
      playsPerSecond,
      mostAtOnce: 200,
      wrong,
    })
  }

  /** Each report is a second, and what there is to measure. */
  async #watch({ broker, directory }: SoakedBroker, monitor: Monitor, churn: Churn): Promise<void> {
    const { warmUpMs, measuredMs, onSigns } = this.#options
    const beganAtMs = performance.now()
    for (let atMs = 0; atMs < warmUpMs + measuredMs; atMs = performance.now() - beganAtMs) {
      await patiently(monitor.nextReport(), "a report under $SYS", patienceMs)
      const signs = vitalSigns(
        broker.pid,
        directory,
        performance.now() - beganAtMs,
        monitor.number("heap/current"),
      )
      if (signs.atMs >= warmUpMs) this.#signs.push(signs)
      onSigns(signs, churn)
    }
  }

  /** Waits until nothing is left, or for so long that something will stay. @returns what does */
  async #emptied(monitor: Monitor): Promise<Remains> {
    for (let report = 0; report < mostReports; report++) {
      await patiently(monitor.nextReport(), "a report under $SYS", patienceMs)
      if (Object.values(monitor.remains).every((count) => count === 0)) break
    }
    return monitor.remains
  }
}
