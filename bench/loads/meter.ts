import type { LoadReport } from "../load-report.ts"
import { cpuMicroseconds, residentBytes } from "../process-usage.ts"

/** What a load knows beside the meter. */
export type LoadFindings = Pick<LoadReport, "faults"> &
  Partial<Pick<LoadReport, "latency" | "loadShare" | "residentBytes" | "residentBytesPerConnection">>

/** What the broker and the load use up while it runs; it may run several times, and adds them up. */
export class Meter {
  readonly #pid: number
  #before = { broker: 0, load: 0, atMs: 0 }
  #broker = 0
  #load = 0
  #elapsedMs = 0
  #residentBytes = 0

  /** @param pid of the broker */
  constructor(pid: number) {
    this.#pid = pid
  }

  start(): void {
    this.#before = this.#read()
  }

  stop(): void {
    const { broker, load, atMs } = this.#read()
    this.#broker += broker - this.#before.broker
    this.#load += load - this.#before.load
    this.#elapsedMs += atMs - this.#before.atMs
    this.#residentBytes = residentBytes(this.#pid)
  }

  /**
   * @param units that were counted while it ran
   * @throws Error when there were none
   */
  report(units: number, findings: LoadFindings): LoadReport {
    if (units === 0) throw new Error("nothing arrived while it was measured")
    return {
      perSecond: (units / this.#elapsedMs) * 1000,
      brokerMicroseconds: this.#broker / units,
      loadShare: this.#load / this.#elapsedMs / 1000,
      residentBytes: this.#residentBytes,
      residentBytesPerConnection: undefined,
      latency: undefined,
      ...findings,
    }
  }

  #read() {
    return {
      broker: cpuMicroseconds(this.#pid),
      load: cpuMicroseconds(process.pid),
      atMs: performance.now(),
    }
  }
}
