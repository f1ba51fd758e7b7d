import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { ChurnMap } from "../../src/foundation/churn-map.ts"

describe("a churn map", () => {
  test("is a map, however often keys come and go", () => {
    const steps = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), value: fc.option(fc.nat()) }), {
      maxLength: 100,
    })
    fc.assert(
      fc.property(steps, (sequence) => {
        const map = new ChurnMap<number, number>()
        const model = new Map<number, number>()
        for (const { key, value } of sequence) {
          if (value === null) {
            expect(map.delete(key)).toBe(model.delete(key))
          } else {
            map.set(key, value)
            model.set(key, value)
          }
          expect([map.size, map.has(key), map.get(key)]).toEqual([
            model.size,
            model.has(key),
            model.get(key) as number,
          ])
        }
        expect(new Map(map)).toEqual(model)
        expect(new Set(map.keys())).toEqual(new Set(model.keys()))
        expect([...map.values()].toSorted()).toEqual([...model.values()].toSorted())
      }),
    )
  })

  test("holds a place for no more than some of the keys that went", () => {
    const map = new ChurnMap<number, number>()
    for (let key = 0; key < 10_000; key++) map.set(key, key)
    for (let key = 0; key < 10_000; key++) map.delete(key)
    expect(map.size).toBe(0)
    expect([...map.places()].length).toBeLessThan(2_000)
    map.set(7, 7)
    expect([...map]).toEqual([[7, 7]])
  })
})
