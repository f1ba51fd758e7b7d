import { afterEach, describe, expect, setSystemTime, test } from "bun:test"
import { MachineClock, resumedMs } from "../../src/foundation/clock.ts"

const hourMs = 3_600_000

afterEach(() => setSystemTime())

describe("the clock of this machine", () => {
  test.each([-hourMs, hourMs])("goes on as it was when the wall is put by %p ms", (ms) => {
    const clock = new MachineClock(1_000_000)
    const wallMs = clock.wall()
    setSystemTime(wallMs + ms)
    expect(clock.now()).toBeGreaterThanOrEqual(1_000_000)
    expect(clock.now()).toBeLessThan(1_000_000 + hourMs / 2)
    expect(Math.abs(clock.wall() - wallMs - ms)).toBeLessThan(hourMs / 2)
  })

  test("has its timers fire in their time though the wall is put back by an hour", async () => {
    const clock = new MachineClock(Date.now())
    const fired = Promise.withResolvers<number>()
    const dueMs = clock.now() + 5
    clock.at(dueMs, () => fired.resolve(clock.now()))
    setSystemTime(Date.now() - hourMs)
    expect(await fired.promise).toBeGreaterThan(dueMs)
  })

  test("says whole milliseconds, for they are stored", () => {
    const clock = new MachineClock(1_000.25)
    expect(Number.isInteger(clock.now())).toBe(true)
  })
})

describe("the clock of a next run", () => {
  test("begins with the wall where no run was before", () => {
    expect(resumedMs(undefined, 5_000)).toBe(5_000)
  })

  test("begins as much later as has passed by the wall for certain, however far apart the two were", () => {
    expect(resumedMs({ nowMs: 1_000, wallMs: 9_000_000 }, 9_000_700)).toBe(1_699)
    expect(resumedMs({ nowMs: 9_000_000, wallMs: 1_000 }, 1_700)).toBe(9_000_699)
  })

  test("begins where the last one was when the wall says that it is not even that late", () => {
    expect(resumedMs({ nowMs: 1_000, wallMs: 9_000 }, 0)).toBe(1_000)
  })
})
