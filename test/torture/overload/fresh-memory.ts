const mebibyte = 1024 * 1024
const measuredBytes = 16 * mebibyte
const measurements = 3

/** What the broker may put to use for the first time in one turn, at the most. */
export const freshMebibytes = 64

/** A machine that takes longer is too slow for what is promised. */
const mostMs = 250

/**
 * How long this machine takes, in milliseconds, until that much memory was written to for the first time: the smallest of
 * three measurements of a quarter each, so that a slow moment loosens no bound, and 250 at the most. In a virtual machine
 * whose pages somebody else looks after that was 185 to 197, of which a broker can help nothing.
 */
export function freshMemoryMs(): number {
  return (measuredMs ??= Math.min(measure(), mostMs))
}

let measuredMs: number | undefined

function measure(): number {
  // All are held until the end, or the second would be the first again.
  const held: Uint8Array[] = []
  const times = Array.from({ length: measurements }, () => {
    const startedAt = performance.now()
    held.push(new Uint8Array(measuredBytes).fill(1))
    return performance.now() - startedAt
  })
  return (Math.min(...times) * freshMebibytes * mebibyte) / measuredBytes
}
