import { describe, expect, test } from "bun:test"
import { mostLooks, Slice } from "../../src/management/slice.ts"
import { TurnedClock } from "../support/turned-clock.ts"

describe("a slice", () => {
  /** How many looks it lasts when each takes so long. */
  function looks(msEach: number): number {
    const clock = new TurnedClock()
    const slice = new Slice(clock)
    for (let count = 1; ; count++) {
      clock.advance(msEach)
      if (slice.isOver()) return count
    }
  }

  test("is over after so many looks, and sooner where they take their time", () => {
    expect(looks(0)).toBe(mostLooks)
    expect(looks(0.5)).toBe(16)
  })

  test("is followed by one that is as long", () => {
    const slice = new Slice(new TurnedClock())
    const over = Array.from({ length: 2 * mostLooks }, () => slice.isOver())
    expect(over.flatMap((isOver, index) => (isOver ? [index + 1] : []))).toEqual([mostLooks, 2 * mostLooks])
  })
})
