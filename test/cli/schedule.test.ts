import { describe, expect, test } from "bun:test"
import { Schedule } from "../../cli/schedule.ts"
import { TurnedClock } from "../support/turned-clock.ts"

/** What a promise has come to by the end of the turn. */
async function stateOf(promise: Promise<void>): Promise<string> {
  await new Promise<void>((over) => setImmediate(over))
  return Bun.peek.status(promise)
}

describe("a schedule", () => {
  test("waits until a moment, and not beyond it", async () => {
    const clock = new TurnedClock()
    const schedule = new Schedule(clock)
    const reached = schedule.reach(100)
    clock.advance(99)
    expect(await stateOf(reached)).toBe("pending")
    clock.advance(1)
    expect(await stateOf(reached)).toBe("fulfilled")
  })

  test("who is late for one moment is not for that late for the next", async () => {
    const clock = new TurnedClock()
    const schedule = new Schedule(clock)
    clock.advance(350)
    await schedule.reach(200)
    await schedule.reach(300)
    const next = schedule.reach(400)
    clock.advance(49)
    expect(await stateOf(next)).toBe("pending")
    clock.advance(1)
    expect(await stateOf(next)).toBe("fulfilled")
  })

  test("knows how late it was at worst", () => {
    const clock = new TurnedClock()
    const schedule = new Schedule(clock)
    clock.advance(350)
    schedule.met(200)
    schedule.met(340)
    schedule.met(400)
    expect(schedule.worstLatenessMs).toBe(150)
  })

  test("can be put off, and begin anew", () => {
    const clock = new TurnedClock()
    const schedule = new Schedule(clock)
    clock.advance(350)
    schedule.postpone(100)
    expect([schedule.latenessMs(200), schedule.latenessMs(300)]).toEqual([50, 0])
    schedule.begin()
    expect([schedule.latenessMs(0), schedule.lastedMs]).toEqual([0, 0])
  })
})
