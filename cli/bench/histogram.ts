/** Microseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly maximum: number
  /** Log-linear buckets that are not empty: upper bound, count. */
  readonly histogram: readonly (readonly [number, number])[]
}

/** The finest that is told apart, in parts of a microsecond. */
const unitsInMicrosecond = 8
/** A power of two is cut into so many buckets, so none is wider than a 64th, 1.6 %, of what it holds. */
const bucketsInOctave = 64
const octaveShift = 6
/** Beyond 2^31 units, 268 s, everything is in the last bucket. */
const longestUnits = 2 ** 31 - 1
const buckets = bucketOf(longestUnits) + 1

/** Counts durations in log-linear buckets: a fixed size, and an error that is a fixed share of the duration. */
export class Histogram {
  readonly #counts = new Float64Array(buckets)
  #total = 0
  #maximum = 0

  get total(): number {
    return this.#total
  }

  /** Hot. */
  record(microseconds: number): void {
    const units = Math.min(Math.max(microseconds * unitsInMicrosecond, 0), longestUnits) | 0
    const bucket = bucketOf(units)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
    if (microseconds > this.#maximum) this.#maximum = microseconds
  }

  /**
   * @param share 0.99 for the 99th percentile
   * @returns microseconds that so large a share of the durations does not exceed; 0 when there are none
   */
  percentile(share: number): number {
    let left = Math.ceil(share * this.#total)
    for (let bucket = 0; bucket < buckets && left > 0; bucket++) {
      left -= this.#counts[bucket] ?? 0
      if (left <= 0) return upperMicroseconds(bucket)
    }
    return 0
  }

  summary(): Percentiles {
    const histogram: (readonly [number, number])[] = []
    this.#counts.forEach((count, bucket) => {
      if (count > 0) histogram.push([upperMicroseconds(bucket), count])
    })
    return {
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      maximum: Math.ceil(this.#maximum),
      histogram,
    }
  }
}

/** The first two octaves' worth of buckets are one unit wide; each octave after that has buckets twice as wide. */
function bucketOf(units: number): number {
  const octave = Math.max(0, 31 - Math.clz32(units) - octaveShift)
  return octave * bucketsInOctave + (units >> octave)
}

function upperMicroseconds(bucket: number): number {
  const octave = Math.max(0, (bucket >> octaveShift) - 1)
  const units = (bucket - octave * bucketsInOctave + 1) * 2 ** octave
  return units / unitsInMicrosecond
}
