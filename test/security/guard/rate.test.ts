import { describe, expect, test } from "bun:test"
import { Rate } from "../../../src/security/guard/rate.ts"

const startMs = Date.UTC(2026, 0, 1)

function takenAt(rate: Rate, nowMs: number): number {
  let taken = 0
  while (rate.takes(nowMs)) taken += 1
  return taken
}

describe("A rate", () => {
  test.each([1, 3, 7, 100, 9_999])("lets %d come at once, and so many again a second later", (perSecond) => {
    const rate = new Rate(perSecond)
    expect(takenAt(rate, startMs)).toBe(perSecond)
    expect(takenAt(rate, startMs)).toBe(0)
    expect(takenAt(rate, startMs + 1000)).toBe(perSecond)
  })

  test("fills as time goes by, and no further than one burst", () => {
    const rate = new Rate(10, 20)
    expect(takenAt(rate, startMs)).toBe(20)
    expect(takenAt(rate, startMs + 500)).toBe(5)
    expect(takenAt(rate, startMs + 3_600_000)).toBe(20)
    expect(rate.fullAtMs).toBe(startMs + 3_602_000)
  })

  test("says how long the next has to wait, and longer when one comes all the same", () => {
    const rate = new Rate(2)
    expect(rate.spend(startMs)).toBe(0)
    expect(rate.spend(startMs)).toBeCloseTo(500, 3)
    expect(rate.spend(startMs)).toBeCloseTo(1000, 3)
    expect(rate.spend(startMs + 1000)).toBeCloseTo(500, 3)
  })

  test("gives nothing away when the clock is put back", () => {
    const rate = new Rate(5)
    expect(takenAt(rate, startMs)).toBe(5)
    expect(takenAt(rate, startMs - 3_600_000)).toBe(0)
    expect(takenAt(rate, startMs - 3_600_000 + 1000)).toBe(5)
  })
})
