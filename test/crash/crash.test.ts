import { beforeAll, describe, expect, test } from "bun:test"
import { executable } from "../../scripts/executable.ts"
import { crashRun } from "./crash-run.ts"
import { Stream } from "./stream.ts"

describe("an acknowledged message survives the death of the process", () => {
  let path: string
  beforeAll(async () => {
    path = await executable()
  }, 60_000)

  test("three rounds of kill -9 lose nothing, double nothing at QoS 2 and keep every promise", async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
    const story: string[] = []
    const totals = await crashRun({ path, rounds: 3, seed, report: (line) => story.push(line) })
    const { published, delivered, kills, ...rest } = totals
    expect({ story, seed, ...rest }).toEqual({
      story,
      seed,
      rounds: 3,
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      retainedWrong: 0,
      subscriptionsWrong: 0,
      faults: 0,
    })
    expect(kills).toBeGreaterThanOrEqual(3)
    expect(delivered).toBeGreaterThanOrEqual(published * 6)
  }, 120_000)
})

describe("what the crash run counts", () => {
  function streamOf(...numbers: readonly number[]): Stream {
    const stream = new Stream()
    for (const number of numbers) stream.take(number)
    return stream
  }

  test("a number that never came is lost, and counted once", () => {
    const stream = streamOf(0, 1, 3)
    expect(stream.lost(6)).toBe(3)
    expect(stream.lost(6)).toBe(0)
  })

  test("a number that came again is a duplicate and not out of order", () => {
    expect(streamOf(0, 1, 2, 1, 2, 3)).toMatchObject({ duplicates: 2, outOfOrder: 0 })
  })

  test("a number that came late for the first time is out of order and not lost", () => {
    const stream = streamOf(0, 2, 1)
    expect(stream).toMatchObject({ duplicates: 0, outOfOrder: 1 })
    expect(stream.lost(3)).toBe(0)
  })
})
