/** The shortest array that is lent: room for a few acknowledgements or one small message. */
export const shortestBytes = 2 * 1024

/** The longest array that is kept for the next one who asks. */
export const longestPooledBytes = 64 * 1024

/** What all shelves together may keep; a fan-out to thousands borrows more for one turn, and that is let go. */
const mostPooledBytes = 8 * 1024 * 1024

/** Arrays that lie ready, one shelf for each power of two from the shortest to the longest. */
const shelves: Uint8Array[][] = Array.from(
  { length: shelfOf(longestPooledBytes) - shelfOf(shortestBytes) + 1 },
  () => [],
)
let pooledBytes = 0

/**
 * Hot. An array of a power of two of bytes. What lies in it is of no meaning.
 *
 * @param atLeast bytes that are needed
 */
export function borrowBytes(atLeast: number): Uint8Array {
  const length = powerOfTwoFrom(Math.max(atLeast, shortestBytes))
  const lying = length <= longestPooledBytes ? shelfFor(length)?.pop() : undefined
  if (lying === undefined) return Bun.allocUnsafe(length)
  pooledBytes -= length
  return lying
}

/** Hot. Takes back what was borrowed; the borrower may not touch it again. */
export function giveBackBytes(bytes: Uint8Array): void {
  if (bytes.length > longestPooledBytes || pooledBytes + bytes.length > mostPooledBytes) return
  pooledBytes += bytes.length
  shelfFor(bytes.length)?.push(bytes)
}

function shelfFor(length: number): Uint8Array[] | undefined {
  return shelves[shelfOf(length) - shelfOf(shortestBytes)]
}

function shelfOf(length: number): number {
  return 31 - Math.clz32(length)
}

function powerOfTwoFrom(length: number): number {
  return 2 ** (32 - Math.clz32(length - 1))
}
