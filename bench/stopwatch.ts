const warmUpMs = 200
const roundMs = 100
const rounds = 7

/**
 * Median time of one operation, in nanoseconds.
 *
 * @param operations how many of them one call of `run` does
 */
export function nanoseconds(operations: number, run: () => void): number {
  const calls = callsWithin(warmUpMs, run)
  const callsPerRound = Math.max(1, Math.round((calls * roundMs) / warmUpMs))
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = Bun.nanoseconds()
    for (let call = 0; call < callsPerRound; call++) run()
    times.push((Bun.nanoseconds() - started) / callsPerRound / operations)
  }
  return times.toSorted((left, right) => left - right)[rounds >> 1] ?? Number.NaN
}

/** Measures and prints a line. */
export function measure(what: string, operations: number, run: () => void): void {
  console.log(`${what.padEnd(56)}${nanoseconds(operations, run).toFixed(0).padStart(9)} ns`)
}

function callsWithin(milliseconds: number, run: () => void): number {
  const end = performance.now() + milliseconds
  let calls = 0
  for (; performance.now() < end; calls++) run()
  return calls
}
