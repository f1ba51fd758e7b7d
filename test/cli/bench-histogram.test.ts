import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { Histogram } from "../../cli/bench/histogram.ts"

describe("a histogram of durations", () => {
  test("tells every duration to within an eighth of a microsecond or 1.6 %, and never too short", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 200_000_000, noNaN: true }), (microseconds) => {
        const histogram = new Histogram()
        histogram.record(microseconds)
        const told = histogram.percentile(0.5)
        expect(told).toBeGreaterThanOrEqual(microseconds)
        expect(told - microseconds).toBeLessThanOrEqual(Math.max(0.125, microseconds / 64))
      }),
      { numRuns: 2_000 },
    )
  })

  test("has percentiles that so large a share does not exceed", () => {
    const histogram = new Histogram()
    for (let microseconds = 1; microseconds <= 1_000; microseconds++) histogram.record(microseconds)
    const { p50, p99, p999, maximum } = histogram.summary()
    expect(p50).toBeWithin(500, 508)
    expect(p99).toBeWithin(990, 1_006)
    expect(p999).toBeWithin(999, 1_015)
    expect(maximum).toBe(1_000)
    expect(histogram.total).toBe(1_000)
  })

  test("has the percentiles of what it recorded, each within the width of a bucket", () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 0.999, 1), (given, share) => {
        const histogram = new Histogram()
        for (const microseconds of given) histogram.record(microseconds)
        const sorted = given.toSorted((one, other) => one - other)
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
        const told = histogram.percentile(share)
        expect(told).toBeGreaterThanOrEqual(exact)
        expect(told - exact).toBeLessThanOrEqual(Math.max(0.125, exact / 64))
      }),
    )
  })

  test("lists the buckets that are not empty, in rising order, and counts what it recorded", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e7, noNaN: true })), (durations) => {
        const recorded = new Histogram()
        for (const microseconds of durations) recorded.record(microseconds)
        const { histogram } = recorded.summary()
        const bounds = histogram.map(([bound]) => bound)
        expect(bounds).toEqual(bounds.toSorted((left, right) => left - right))
        expect(new Set(bounds).size).toBe(bounds.length)
        expect(histogram.reduce((sum, [, count]) => sum + count, 0)).toBe(durations.length)
      }),
    )
  })

  test("takes what is longer than its longest bucket, and knows how long it was", () => {
    const histogram = new Histogram()
    histogram.record(1e9)
    expect(histogram.percentile(1)).toBeWithin(268e6, 269e6)
    expect(histogram.summary().maximum).toBe(1e9)
  })

  test("of nothing has percentiles of 0 and no buckets", () => {
    const nothing = { p50: 0, p99: 0, p999: 0, maximum: 0, histogram: [] }
    expect(new Histogram().summary()).toEqual(nothing)
  })
})
