import { describe, expect, test } from "bun:test"
import type { LoadReport } from "../../bench/load-report.ts"
import { digits, multiple, rate } from "../../cli/bench/numbers.ts"
import { resultOf, type Row } from "../../bench/results.ts"
import { markdown, table } from "../../bench/table.ts"
import { latencyOf, peerOf, reportOf, rowOf } from "./run-examples.ts"

const peers = ["bantam", "mosquitto", "aedes"].map(peerOf)

function lineOf(row: Row, label = row.name): string {
  const line = table({ rows: [row], peers }, false)
    .split("\n")
    .find((each) => each.trimStart().startsWith(label))
  return line?.trim().replaceAll(/ +/g, " ") ?? ""
}

describe("the table", () => {
  test("shows ours in absolute numbers and the others as multiples of it", () => {
    expect(lineOf(rowOf("work", { bantam: [0.5, 0.25, 0.3], mosquitto: [6], aedes: [0.15] }))).toBe(
      "work 0.300 1000 50 ×20 ×0.50",
    )
  })

  test("shows a dash for who cannot take part, and says of who failed what happened", () => {
    const row = rowOf("work", { bantam: [1] })
    const failed = { ...row, results: { ...row.results, aedes: resultOf([], "the broker ended") } }
    expect(lineOf(failed)).toBe("work 1.00 1000 50 – failed")
    expect(table({ rows: [failed], peers }, false)).toContain("! work, aedes: the broker ended")
  })

  test("marks faults, and counts them over all rounds", () => {
    const faulty = resultOf([reportOf({ faults: 2 }), reportOf({ faults: 3 })])
    const row = { ...rowOf("work", {}), results: { bantam: faulty } }
    expect(lineOf(row)).toStartWith("work 1.00!")
    expect(table({ rows: [row], peers }, false)).toContain(
      "work, bantam: 5 messages lost, doubled or out of order",
    )
  })

  test("marks a rate that is the load's own limit, but not where the rate is fixed", () => {
    const rowWith = (report: LoadReport) => ({
      ...rowOf("work", {}),
      results: { bantam: resultOf([report]) },
    })
    expect(lineOf(rowWith(reportOf({ loadShare: 0.98 })))).toContain(" ≥1000 ")
    expect(lineOf(rowWith(reportOf({ loadShare: 0.98, latency: latencyOf(9) })))).toContain(" 1000 ")
  })

  test("has a line of its own for each latency, and tells which target is met", () => {
    const results = {
      bantam: resultOf([reportOf({ latency: latencyOf(800) })]),
      mosquitto: resultOf([reportOf({ latency: latencyOf(1_600) })]),
    }
    const row = { ...rowOf("latency-0", {}), results }
    expect(lineOf(row, "p99 µs")).toBe("p99 µs 800 ×2.0 – met ≤ mosquitto")
    expect(lineOf(row, "p99.9 µs")).toBe("p99.9 µs 1,600 ×2.0 –")
  })

  test("fits a terminal of 120 columns with five peers and a target missed", () => {
    const five = ["bantam", "mosquitto", "nats", "aedes", "forwarder"]
    const times = Object.fromEntries(five.map((name) => [name, [1]]))
    const text = table({ rows: [rowOf("fan-out-100-1", times)], peers: five.map(peerOf) }, false)
    const rows = text.split("\n").slice(0, 3)
    expect(Math.max(...rows.map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  test("in Markdown has as many cells in each line", () => {
    const text = markdown({ rows: [rowOf("work", { bantam: [1], mosquitto: [2] })], peers })
    const bars = text.split("\n").filter((line) => line.startsWith("|"))
    expect(new Set(bars.map((line) => line.split(" | ").length))).toEqual(new Set([8]))
  })
})

describe("numbers", () => {
  test("have three digits that mean something, and three behind the point at most", () => {
    expect([0.0483, 0.27, 2.5, 15.31, 1530].map(digits)).toEqual(["0.048", "0.270", "2.50", "15.3", "1,530"])
  })

  test("as multiples show a hundredth where that decides who is ahead", () => {
    expect([0.62, 1.04, 3.44, 24.2].map(multiple)).toEqual(["×0.62", "×1.04", "×3.4", "×24"])
  })

  test("as rates are short", () => {
    expect([870, 155_000, 3_760_000].map(rate)).toEqual(["870", "155k", "3.76M"])
  })
})
