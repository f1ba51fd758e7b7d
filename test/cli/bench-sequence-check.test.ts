import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { again, late, SequenceCheck } from "../../cli/bench/sequence-check.ts"

describe("what comes late or again", () => {
  test("is told within the memory as by one that remembers everything", () => {
    const memory = 32
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 80 })))
    fc.assert(
      fc.property(arrivals, (given) => {
        const check = new SequenceCheck(3, memory)
        const seen = [0, 1, 2].map(() => new Set<number>())
        for (const [lane, place] of given) {
          const known = seen[lane] ?? new Set()
          const last = Math.max(-1, ...known)
          const isRemembered = last - place < memory
          const expected = place > last ? place - last : known.has(place) && isRemembered ? again : late
          expect(check.take(lane, place)).toBe(expected)
          known.add(place)
        }
      }),
      { numRuns: 500 },
    )
  })

  test("is told apart by lanes, and what was skipped is counted", () => {
    const check = new SequenceCheck(2)
    expect([0, 1, 4, 4, 2, 2].map((place) => check.take(0, place))).toEqual([1, 1, 3, again, late, again])
    expect(check.take(1, 0)).toBe(1)
  })
})
