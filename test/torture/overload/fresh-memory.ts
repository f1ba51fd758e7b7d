const mebibyte = 1024 * 1024
const measuredBytes = 16 * mebibyte

/** What the broker may put to use for the first time in one turn, at the most. */
export const freshMebibytes = 64

/**
 * How long this machine takes, in milliseconds, until that much memory was written to for the first time. In a virtual
 * machine whose pages somebody else looks after that was two hundred, of which a broker can help nothing.
 */
export function freshMemoryMs(): number {
  return (measuredMs ??= measure())
}

let measuredMs: number | undefined

function measure(): number {
  // All are held until the end, or the second would be the first again.
  const held: Uint8Array[] = []
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now()
    held.push(new Uint8Array(measuredBytes).fill(1))
    return performance.now() - startedAt
  })
  const [, , median = 0] = times.toSorted((one, other) => one - other)
  return (median * freshMebibytes * mebibyte) / measuredBytes
}
