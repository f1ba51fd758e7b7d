import { describe, expect, test } from "bun:test"
import {
  borrowBytes,
  giveBackBytes,
  longestPooledBytes,
  shortestBytes,
} from "../../src/transport/byte-pool.ts"

describe("the pool of arrays", () => {
  test.each([
    [0, shortestBytes],
    [1, shortestBytes],
    [shortestBytes, shortestBytes],
    [shortestBytes + 1, 2 * shortestBytes],
    [longestPooledBytes, longestPooledBytes],
    [longestPooledBytes + 1, 2 * longestPooledBytes],
  ])("lends for %d bytes an array of %d", (atLeast, length) => {
    expect(borrowBytes(atLeast).length).toBe(length)
  })

  test.each([shortestBytes, longestPooledBytes])(
    "lends an array of %d bytes again, to one at a time",
    (length) => {
      const lent = borrowBytes(length)
      giveBackBytes(lent)
      expect(borrowBytes(length)).toBe(lent)
      expect(borrowBytes(length)).not.toBe(lent)
    },
  )

  test("lets go of what is longer than it keeps", () => {
    const long = borrowBytes(longestPooledBytes + 1)
    giveBackBytes(long)
    expect(borrowBytes(longestPooledBytes + 1)).not.toBe(long)
  })
})
