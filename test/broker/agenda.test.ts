import { describe, expect, test } from "bun:test"
import { Agenda } from "../../src/broker/agenda.ts"
import type { Clock } from "../../src/foundation/clock.ts"

describe("an agenda", () => {
  test("lets others have their turn when much is due at once, and forgets none of it", () => {
    let nowMs = 0
    const timers: (() => void)[] = []
    const clock: Clock = {
      now: () => nowMs,
      wall: () => nowMs,
      at: (_, callback) => {
        timers.push(callback)
        return { cancel: () => timers.splice(timers.indexOf(callback), 1) }
      },
    }
    const seen: string[] = []
    const agenda = new Agenda(clock, (key) => {
      seen.push(key)
      nowMs += 1
    })
    const keys = Array.from({ length: 10 }, (_, number) => `${number}`)
    for (const key of keys) agenda.set(key, 5)
    nowMs = 5
    timers.shift()?.()
    expect(seen.length).toBeLessThan(10)
    while (timers.length > 0) timers.shift()?.()
    expect(seen.toSorted()).toEqual(keys)
  })
})
