import { describe, expect, test } from "bun:test"
import { Random } from "../../support/random.ts"
import { type Point, trendOf } from "./trend.ts"

const random = new Random(1)

/** One measurement a second, above what is there by up to 30 % of what nobody has collected yet. */
function sawtooth(seconds: number, level: (second: number) => number): Point[] {
  return Array.from({ length: seconds }, (_, second) => {
    return { atMs: second * 1000, value: level(second) * (1 + random.fraction() * 0.3) }
  })
}

describe("a trend", () => {
  test("is not seen in noise that leads nowhere", () => {
    const { level, growth, surelyAtLeast } = trendOf(sawtooth(300, () => 1000))
    expect(level).toBeGreaterThan(990)
    expect(level).toBeLessThan(1050)
    expect(Math.abs(growth)).toBeLessThan(30)
    expect(surelyAtLeast).toBeLessThan(0)
  })

  test("is found beneath noise that is larger than itself", () => {
    const { growth, surelyAtLeast, perHour } = trendOf(sawtooth(300, (second) => 1000 + second / 2))
    expect(growth).toBeGreaterThan(110)
    expect(growth).toBeLessThan(190)
    expect(surelyAtLeast).toBeGreaterThan(50)
    expect(perHour).toBeCloseTo((growth * 3600) / 299, 3)
  })

  test("of a straight line is that line", () => {
    const { growth, surelyAtLeast } = trendOf(
      Array.from({ length: 160 }, (_, second) => ({ atMs: second * 1000, value: second })),
    )
    expect(growth).toBeCloseTo(159)
    expect(surelyAtLeast).toBeCloseTo(159)
  })

  test("is not made of one burst, and not hidden by one", () => {
    const burst = (second: number) => (second > 100 && second < 120 ? 5000 : 0)
    expect(trendOf(sawtooth(300, (second) => 1000 + burst(second))).growth).toBeLessThan(30)
    expect(trendOf(sawtooth(300, (second) => 1000 + second + burst(second))).growth).toBeGreaterThan(200)
  })

  test("is not told from a few measurements", () => {
    expect(() => trendOf(sawtooth(7, () => 1000))).toThrow("too few")
  })
})
