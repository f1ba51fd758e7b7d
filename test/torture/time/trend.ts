/** What was measured, and when. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** Where a row of measurements leads, seen through its noise. */
export interface Trend {
  /** The median of what is lowest in each window. */
  readonly level: number
  /** By how much it rises from the first measurement to the last. */
  readonly growth: number
  /** The same at the lower end of what is likely: above 0 the rise is hardly chance (97.5 %). */
  readonly surelyAtLeast: number
  /** The growth in an hour. */
  readonly perHour: number
}

const hourMs = 3_600_000
/**
 * A garbage collector comes to all of it about once in a minute: in a shorter window what is lowest may still be far above
 * what is left in the end, and chance makes a trend of that.
 */
const windowMs = 45_000
/** Fewer say nothing of a trend, and more make it no surer. */
const [fewestWindows, mostWindows] = [8, 16]
/** Two-sided 95 % of a normal distribution. */
const quantile = 1.96

/**
 * The slope of Theil and Sen, which is the median of the slopes between any two points, through the lowest value of each
 * window: what a garbage collector has not come to yet is above that, and a burst does not count. How sure it is follows
 * from Kendall's variance [Sen 1968].
 *
 * @param points many more than there are windows
 * @throws Error there are too few points to say anything
 */
export function trendOf(points: readonly Point[]): Trend {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0)
  const windows = Math.min(mostWindows, Math.max(fewestWindows, Math.floor(spanMs / windowMs)))
  const lowest = minima(points, windows)
  if (lowest.length < fewestWindows)
    throw new Error(`${lowest.length} windows of measurements are too few for a trend`)
  const slopes = slopesOf(lowest)
  const slope = middle(slopes)
  const count = lowest.length
  const spread = quantile * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18)
  const low = slopes[Math.max(0, Math.floor((slopes.length - spread) / 2))] ?? Number.NaN
  return {
    level: middle(lowest.map(({ value }) => value).toSorted((one, other) => one - other)),
    growth: slope * spanMs,
    surelyAtLeast: low * spanMs,
    perHour: slope * hourMs,
  }
}

function minima(points: readonly Point[], windows: number): Point[] {
  const startMs = points[0]?.atMs ?? 0
  const widthMs = ((points.at(-1)?.atMs ?? 0) - startMs) / windows
  const lowest = new Map<number, Point>()
  for (const point of points) {
    // The last point stands on the end of the last window.
    const window = Math.min(windows - 1, Math.floor((point.atMs - startMs) / widthMs))
    const known = lowest.get(window)
    if (known === undefined || point.value < known.value) lowest.set(window, point)
  }
  return [...lowest.values()]
}

/** In ascending order. */
function slopesOf(points: readonly Point[]): number[] {
  const slopes: number[] = []
  for (const [index, later] of points.entries()) {
    for (const earlier of points.slice(0, index)) {
      if (later.atMs > earlier.atMs) slopes.push((later.value - earlier.value) / (later.atMs - earlier.atMs))
    }
  }
  return slopes.toSorted((one, other) => one - other)
}

function middle(ascending: readonly number[]): number {
  const half = ascending.length >> 1
  const upper = ascending[half] ?? Number.NaN
  return ascending.length % 2 === 1 ? upper : ((ascending[half - 1] ?? Number.NaN) + upper) / 2
}
