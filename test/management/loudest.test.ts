import { expect, test } from "bun:test"
import { Loudest } from "../../src/management/loudest.ts"

test("the heaviest of many are kept, in order, whenever they come", () => {
  const loudest = new Loudest<number>(3, (weight) => weight)
  for (let index = 0; index < 1_000; index++) loudest.add((index * 7) % 1_000)
  expect(loudest.sorted()).toEqual([999, 998, 997])
})
