import { describe, expect, test } from "bun:test"
import { InvalidArgumentError } from "commander"
import * as fc from "fast-check"
import { compare } from "../../cli/bench/comparison.ts"
import { type Findings, latencyFacts, noFaults, rateOf } from "../../cli/bench/findings.ts"
import { generatorRemarks } from "../../cli/bench/generator-health.ts"
import { drawHistogram } from "../../cli/bench/histogram-drawing.ts"
import { Histogram } from "../../cli/bench/histogram.ts"
import { progressText } from "../../cli/bench/progress-line.ts"
import { parseRequirements, unmet } from "../../cli/bench/requirements.ts"
import { summary } from "../../cli/bench/summary.ts"

function histogramOf(...microseconds: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const each of microseconds) histogram.record(each)
  return histogram
}

function findingsOf(perSecond: number, microseconds = 500): Findings {
  return {
    format: 1,
    shape: "pub",
    broker: "tcp://localhost:1883",
    load: {
      publishers: 10,
      subscribers: 0,
      topics: 10,
      qos: 1,
      payloadBytes: 64,
      inFlight: 20,
      ratePerSecond: null,
      shared: false,
      mqtt: "5.0",
    },
    ended: "time",
    seconds: 10,
    rates: { published: rateOf(perSecond * 10, 10, 64), acknowledged: rateOf(perSecond * 10, 10, 64) },
    latencies: { acknowledgement: latencyFacts(histogramOf(microseconds)) },
    faults: noFaults,
    refused: [],
    generator: { cpuShare: 0.5, sentLateP99: null, longestAwayMs: 1 },
    remarks: [],
  }
}

describe("the summary", () => {
  test("fits the terminal, however narrow", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 140 }),
        fc.integer({ min: 0, max: 9_999_999 }),
        (columns, perSecond) => {
          const remarks = [
            "the load generator used 99 % of its one core: it may be the limit, and not the broker",
          ]
          const text = summary({ ...findingsOf(perSecond), remarks }, columns, false)
          for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns)
        },
      ),
    )
  })

  test("says what a broker owes", () => {
    const faults = { lost: 3, duplicated: 1, outOfOrder: 0, isBreach: true }
    const rates = { delivered: rateOf(10, 1, 64) }
    const text = summary({ ...findingsOf(1), shape: "sub", rates, faults }, 80, false)
    expect(text).toContain("lost 3, duplicated 1, out of order 0: QoS 1 promises none\n")
  })
})

describe("a histogram on a terminal", () => {
  test("has a line for each step between the first and the last, and counts everything", () => {
    const lines = drawHistogram(histogramOf(90, 95, 300, 4_500).summary().histogram, 60, true)
    expect(lines.map((line) => line.replace(/#+ */, "# ").replace(/ +/g, " ").trim())).toEqual([
      "≤ 100 µs # 50.0 %",
      "≤ 200 µs",
      "≤ 500 µs # 25.0 %",
      "≤ 1 ms",
      "≤ 2 ms",
      "≤ 5 ms # 25.0 %",
    ])
  })

  test("shows what is rare", () => {
    const buckets = [
      [100, 1_000_000],
      [5_000, 1],
    ] as const
    expect(drawHistogram(buckets, 60, false).at(-1)).toMatch(/^ +≤ 5 ms  ▏ +0\.0001 %$/)
  })

  test("keeps within its columns", () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(durations, fc.integer({ min: 30, max: 120 }), (given, columns) => {
        for (const line of drawHistogram(histogramOf(...given).summary().histogram, columns, false)) {
          expect(line.length).toBeLessThanOrEqual(columns)
        }
      }),
    )
  })
})

describe("the line of progress", () => {
  test("fits, and leaves out the least telling first", () => {
    const view = {
      phase: "measuring",
      share: 0.42,
      count: 52_000,
      seconds: 4.2,
      latency: histogramOf(410, 420, 2_100),
    }
    expect(progressText(view, "", 79)).toBe(
      "measuring  █████████░░░░░░░░░░░░░   42 %  4.2 s  12k/s  p50 424 µs  p99 2.11 ms",
    )
    expect(progressText(view, "A 1/3", 39)).toBe("A 1/3 measuring   42 %  4.2 s  12k/s")
    expect(progressText({ ...view, share: undefined, phase: "connecting" }, "", 79)).toBe("connecting")
  })
})

describe("--require", () => {
  test("reads bounds and tells those that do not hold", () => {
    const bounds = parseRequirements("p99<10ms, rate>=1000,lost<1,max<400us")
    expect(unmet(bounds, findingsOf(1_000))).toEqual(["max<400us: not met, it was 500 µs"])
    expect(unmet(bounds, findingsOf(999))).toEqual([
      "rate>=1000: not met, it was 999",
      "max<400us: not met, it was 500 µs",
    ])
    expect(unmet(bounds, { ...findingsOf(1_000), latencies: {} })).toHaveLength(2)
  })

  test.each(["p99", "p99<10", "rate>10ms", "speed>3", "p99=3ms", ""])("refuses %p", (text) => {
    expect(() => parseRequirements(text)).toThrow(InvalidArgumentError)
  })
})

describe("--compare", () => {
  const rounds = (...rates: readonly number[]) => rates.map((rate) => findingsOf(rate))

  test("calls better or worse what is further apart than the rounds of either side", () => {
    const verdict = (a: readonly Findings[], b: readonly Findings[]) => compare(a, b).figures[0]?.verdict
    expect(verdict(rounds(100, 105, 110), rounds(130, 135, 140))).toBe("better")
    expect(verdict(rounds(130, 135, 140), rounds(100, 105, 110))).toBe("worse")
    expect(verdict(rounds(100, 105, 110), rounds(105, 110, 120))).toBe("within the spread")
  })

  test("the spread is a ratio: what is ten times as slow is worse, however much it varies", () => {
    const times = (...all: readonly number[]) => all.map((each) => findingsOf(1, each))
    const { figures } = compare(times(600, 800, 1_900), times(9_300, 11_600, 35_800))
    expect(figures.find(({ figure }) => figure === "p99")?.verdict).toBe("worse")
  })

  test("a longer latency is worse", () => {
    const { figures } = compare([findingsOf(1, 100)], [findingsOf(1, 300)])
    expect(figures.find(({ figure }) => figure === "p99")).toMatchObject({ verdict: "worse" })
  })
})

test("the load generator says when it was itself the limit", () => {
  const well = { cpuShare: 0.8, sentLateP99: 100, longestAwayMs: 1 }
  const measured = (...microseconds: readonly number[]) => latencyFacts(histogramOf(...microseconds))
  const quick = measured(1_000)
  expect(generatorRemarks(well, quick)).toEqual([])
  expect(generatorRemarks({ ...well, cpuShare: 0.95 }, quick)[0]).toContain("used 95 % of its one core")
  expect(generatorRemarks({ ...well, sentLateP99: 3_000 }, quick)[0]).toContain("sent late, p99 3.00 ms")
  expect(generatorRemarks({ ...well, longestAwayMs: 50 }, quick)[0]).toContain("away for 50.0 ms")
  // A broker that is that slow is not hidden by it.
  expect(generatorRemarks({ ...well, sentLateP99: 3_000, longestAwayMs: 50 }, measured(900_000))).toEqual([])
})
