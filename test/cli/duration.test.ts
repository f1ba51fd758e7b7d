import { expect, test } from "bun:test"
import { parseDuration } from "../../cli/duration.ts"

test("A duration is a whole number and a unit", () => {
  expect(["90s", "15m", "1h", "7d", "2w", "0s"].map(parseDuration)).toEqual([
    90_000, 900_000, 3_600_000, 604_800_000, 1_209_600_000, 0,
  ])
  for (const text of ["", "1", "h", "1y", "-1h", "1.5h", "1h30m", " 1h", "1234567890s"]) {
    expect(parseDuration(text)).toBeUndefined()
  }
})
