import { describe, expect, test } from "bun:test"
import { comparison, differences } from "../../bench/compare.ts"
import { resultOf } from "../../bench/results.ts"
import { latencyOf, reportOf, rowOf } from "./run-examples.ts"

function verdicts(now: readonly number[], base: readonly number[]): string[] {
  return differences([rowOf("work", { now })], "now", [rowOf("work", { base })], "base").map(
    ({ verdict }) => verdict,
  )
}

describe("two builds beside each other", () => {
  test("medians that are further apart than the rounds of either side are a difference", () => {
    expect(verdicts([1.2, 1.25, 1.3], [1, 1.05, 1.1])).toEqual(["worse"])
    expect(verdicts([0.8, 0.85, 0.9], [1, 1.05, 1.1])).toEqual(["better"])
  })

  test("medians that are as close as the rounds of the noisier side are none", () => {
    expect(verdicts([1.2, 1.2, 1.2], [1, 1, 1.2])).toEqual(["no difference"])
    expect(verdicts([1, 1.2, 1.4], [1, 1, 1])).toEqual(["no difference"])
  })

  test("the ratio is the new median over the old one", () => {
    const [found] = differences([rowOf("work", { now: [3] })], "now", [rowOf("work", { base: [2] })], "base")
    expect(found?.ratio).toBe(1.5)
  })

  test("latency and the memory of a connection are compared too, what only one side has is not", () => {
    const slow = { ...rowOf("slow", {}), results: { now: resultOf([reportOf({ latency: latencyOf(90) })]) } }
    const before = { ...slow, results: { base: resultOf([reportOf({ latency: latencyOf(60) })]) } }
    const found = differences([slow, rowOf("new", { now: [1] })], "now", [before], "base")
    expect(found.map(({ row, figure }) => `${row} ${figure}`)).toEqual([
      "slow brokerMicroseconds",
      "slow p99",
    ])
  })

  test("a regression is called one", () => {
    const found = differences([rowOf("work", { now: [2] })], "now", [rowOf("work", { base: [1] })], "base")
    expect(comparison(found, false)).toMatch(/^work .* ×2\.00 +worse: a regression$/m)
    expect(comparison(found, false)).toEndWith("1 worse, 0 better, 0 within the spread of the rounds")
  })
})
