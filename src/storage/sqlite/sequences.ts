import type { Sequence } from "../store.ts"

/**
 * Hot. Where the sequence stands.
 *
 * @param sequences in ascending order
 * @returns -1 when it is not there
 */
export function indexOfSequence(sequences: readonly Sequence[], sequence: Sequence): number {
  let low = 0
  let high = sequences.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = sequences[middle]
    if (found === undefined) break
    if (found === sequence) return middle
    if (found < sequence) low = middle + 1
    else high = middle - 1
  }
  return -1
}
