import type { GeneratorFacts, LatencyFacts } from "./findings.ts"
import { latency } from "./units.ts"

const lookEveryMs = 20
/** Of its core. */
const mostCpuShare = 0.9
/** Less is not worth a word, whatever part of the latencies it is. */
const noticedLateMicroseconds = 1_000
const noticedAwayMicroseconds = 20_000

/** How the load generator itself fares: what it shows of the broker is true only while it is not the limit itself. */
export class GeneratorHealth {
  #cpu = process.cpuUsage()
  #startedMs = performance.now()
  #expectedMs = 0
  #longestAwayMs = 0
  #timer: ReturnType<typeof setInterval> | undefined

  /** The measured part begins. */
  begin(): void {
    clearInterval(this.#timer)
    this.#cpu = process.cpuUsage()
    this.#startedMs = performance.now()
    this.#longestAwayMs = 0
    this.#expectedMs = this.#startedMs + lookEveryMs
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  /**
   * It ends.
   *
   * @param idleMicroseconds that an open loop spent on waiting, with the CPU busy
   */
  end(idleMicroseconds: number): Omit<GeneratorFacts, "sentLateP99"> {
    clearInterval(this.#timer)
    const { user, system } = process.cpuUsage(this.#cpu)
    const elapsedMicroseconds = (performance.now() - this.#startedMs) * 1000
    const cpuShare = Math.max(0, user + system - idleMicroseconds) / Math.max(1, elapsedMicroseconds)
    return { cpuShare, longestAwayMs: this.#longestAwayMs }
  }

  #look(): void {
    const nowMs = performance.now()
    this.#longestAwayMs = Math.max(this.#longestAwayMs, nowMs - this.#expectedMs)
    this.#expectedMs = nowMs + lookEveryMs
  }
}

/** What one must know of the load generator to believe the figures. */
export function generatorRemarks(facts: GeneratorFacts, measured: LatencyFacts | undefined): string[] {
  const { cpuShare, sentLateP99, longestAwayMs } = facts
  const { p99 = 0, maximum = 0 } = measured ?? {}
  const remarks: string[] = []
  if (cpuShare > mostCpuShare) {
    remarks.push(
      `the load generator used ${(cpuShare * 100).toFixed(0)} % of its one core: it may be the limit, and not the broker; run several at a time`,
    )
  }
  if (sentLateP99 !== null && sentLateP99 > Math.max(noticedLateMicroseconds, p99 / 2)) {
    remarks.push(
      `the load generator itself sent late, p99 ${latency(sentLateP99)}, which the latencies hold: a lower --rate or a quieter machine tells more of the broker`,
    )
  }
  if (measured !== undefined && longestAwayMs * 1000 > Math.max(noticedAwayMicroseconds, maximum / 2)) {
    remarks.push(
      `the load generator was away for ${latency(longestAwayMs * 1000)} at one time, which the longest latencies hold`,
    )
  }
  return remarks
}
