import { counterNames, type CounterName, type Counts } from "./reading.ts"

export const unknownCounts: Counts = {
  messagesIn: undefined,
  messagesOut: undefined,
  bytesIn: undefined,
  bytesOut: undefined,
  dropped: undefined,
}

/** Makes rates of counters that are read again and again. */
export class CounterRates {
  #before: { readonly counts: Counts; readonly seconds: number } | undefined
  #rates: Counts = unknownCounts

  /**
   * @param seconds of the clock that the counters were read by; at the same second nothing new is learnt
   * @returns per second, between this reading and the one before; unknown at first, and when a counter was set back
   */
  read(counts: Counts, seconds: number): Counts {
    const before = this.#before
    if (before?.seconds === seconds) return this.#rates
    this.#before = { counts, seconds }
    const elapsed = before === undefined ? 0 : seconds - before.seconds
    this.#rates = mapCounts((name) => rateOf(before?.counts[name], counts[name], elapsed))
    return this.#rates
  }
}

/** What a function makes of each name. */
export function mapCounts(of: (name: CounterName) => number | undefined): Counts {
  const counts = { ...unknownCounts }
  for (const name of counterNames) counts[name] = of(name)
  return counts
}

function rateOf(before: number | undefined, now: number | undefined, elapsed: number): number | undefined {
  if (before === undefined || now === undefined || elapsed <= 0 || now < before) return undefined
  return (now - before) / elapsed
}
