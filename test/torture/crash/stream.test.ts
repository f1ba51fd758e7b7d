import { describe, expect, test } from "bun:test"
import { Stream } from "./stream.ts"

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
