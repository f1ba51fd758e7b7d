import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { ChurnMap } from "../../src/foundation/churn-map.ts"

describe("a churn map", () => {
  test("is a map, however often keys come and go", () => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom("a", "b", "c", "dd", "ee", ""), value: fc.option(fc.nat()) }),
      {
        maxLength: 100,
      },
    )
    fc.assert(
      fc.property(steps, (sequence) => {
        const map = new ChurnMap<string, number>()
        const model = new Map<string, number>()
        for (const { key, value } of sequence) {
          if (value === null) {
            expect(map.delete(key)).toBe(model.delete(key))
          } else if (value % 2 === 0) {
            expect(map.setFirst(key, value)).toBe(model.get(key) as number)
            if (!model.has(key)) model.set(key, value)
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
    const map = new ChurnMap<string, number>()
    for (let key = 0; key < 10_000; key++) map.set(`${key}`, key)
    for (let key = 0; key < 10_000; key++) map.delete(`${key}`)
    expect(map.size).toBe(0)
    expect([...map.places()].length).toBeLessThan(2_000)
    map.set("7", 7)
    expect([...map]).toEqual([["7", 7]])
  })

  test("holds no place for a long key, and few in a small map", () => {
    const map = new ChurnMap<string, number>()
    for (let key = 0; key < 1_000; key++) {
      map.set(`${key}`.padStart(1_000, "."), key)
      map.delete(`${key}`.padStart(1_000, "."))
    }
    expect([...map.places()]).toBeEmpty()
    for (let key = 0; key < 1_000; key++) {
      map.set(`${key}`, key)
      map.delete(`${key}`)
    }
    expect([...map.places()].length).toBeLessThan(100)
  })

  test("is the same map when it is large, and may grow while somebody walks over it", () => {
    const map = new ChurnMap<string, number>()
    const model = new Map<string, number>()
    const set = (number: number) => {
      map.set(`key ${number}`, number)
      model.set(`key ${number}`, number)
    }
    for (let number = 1; number <= 10_000; number++) set(number)
    const walk = map.values()
    const seen = [walk.next().value ?? 0]
    for (let number = 1; number <= 40_000; number++) set(number)
    for (let number = 3; number <= 40_000; number += 3) {
      expect(map.delete(`key ${number}`)).toBe(model.delete(`key ${number}`))
    }
    seen.push(...walk)
    expect(map.size).toBe(model.size)
    expect(new Map(map)).toEqual(model)
    expect(new Set(seen).size).toBe(seen.length)
    for (let number = 1; number <= 10_000; number++) {
      expect(map.get(`key ${number}`)).toBe(model.get(`key ${number}`) as number)
    }
    expect(seen.filter((number) => number <= 10_000).length).toBe(10_000 - 3_333)
    map.clear()
    expect([map.size, [...map]]).toEqual([0, []])
  })
})
