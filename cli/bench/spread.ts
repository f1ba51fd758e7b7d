/** What a figure was over the rounds. */
export interface Spread {
  readonly median: number
  readonly minimum: number
  readonly maximum: number
}

/** Of an even number of values the median is the mean of the two in the middle. Undefined of none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((left, right) => left - right)
  const minimum = sorted[0]
  const maximum = sorted.at(-1)
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  const upper = sorted[Math.floor(sorted.length / 2)]
  if (minimum === undefined || maximum === undefined || lower === undefined || upper === undefined) {
    return undefined
  }
  return { median: (lower + upper) / 2, minimum, maximum }
}

/** Whether two medians are further apart than the rounds of either side are among each other, as ratios. */
export function apart(one: Spread, other: Spread): boolean {
  const spread = Math.max(one.maximum / one.minimum, other.maximum / other.minimum)
  const distance = Math.max(one.median / other.median, other.median / one.median)
  return distance > spread
}
