import { describe, expect, test } from "bun:test"
import { Slices } from "../../src/connection/slices.ts"

/** Turns of an event loop that end when the test says so. */
function turns() {
  let soon: (() => void)[] = []
  const slices = new Slices((run) => void soon.push(run))
  const gone: number[] = []
  let asked = 0
  return {
    gone,
    comes: () => {
      const number = asked++
      const turn = slices.turn()
      if (turn === undefined) gone.push(number)
      else void turn.then(() => gone.push(number))
    },
    /** @returns whether there was anything to do */
    ends: async () => {
      const runs = soon
      soon = []
      for (const run of runs) run()
      await Promise.resolve()
      return runs.length > 0
    },
  }
}

describe("Who is let in by turns", () => {
  test("goes on at once while few come", async () => {
    const { comes, ends, gone } = turns()
    for (let turn = 0; turn < 5; turn++) {
      for (let client = 0; client < 10; client++) comes()
      await ends()
    }
    expect(gone).toHaveLength(50)
  })

  test("waits for a later turn when many come together, and nobody passes him", async () => {
    const { comes, ends, gone } = turns()
    for (let client = 0; client < 100; client++) comes()
    const sizes = [gone.length]
    while (await ends()) {
      comes()
      sizes.push(gone.length)
      if (sizes.length > 20) break
    }
    expect(sizes.slice(0, 4)).toEqual([32, 64, 96, 103])
    expect(gone.slice(0, 103)).toEqual(Array.from({ length: 103 }, (_, index) => index))
  })

  test("leaves nothing to do when all are in", async () => {
    const { comes, ends } = turns()
    for (let client = 0; client < 40; client++) comes()
    let turn = 0
    while (await ends()) turn += 1
    expect(turn).toBe(2)
  })
})
