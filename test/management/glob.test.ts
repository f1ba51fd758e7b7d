import { describe, expect, test } from "bun:test"
import { globMatches } from "../../src/management/glob.ts"

describe("a pattern", () => {
  test.each([
    ["", ""],
    ["*", ""],
    ["*", "a/b"],
    ["a*c", "abbc"],
    ["a*c", "ac"],
    ["a?c", "abc"],
    ["*b*b*", "abab"],
    ["[a]", "[a]"],
    ["**", "x"],
  ])("%p matches %p", (pattern, text) => expect(globMatches(pattern, text)).toBe(true))

  test.each([
    ["", "a"],
    ["a", "ab"],
    ["a?c", "ac"],
    ["a*c", "acb"],
    ["*b", "a"],
    ["A", "a"],
  ])("%p does not match %p", (pattern, text) => expect(globMatches(pattern, text)).toBe(false))

  test("takes no longer than its length times that of the text", () => {
    expect(globMatches(`${"*a".repeat(500)}b`, "a".repeat(60_000))).toBe(false)
  })
})
