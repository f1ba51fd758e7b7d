import { describe, expect, test } from "bun:test"
import { saslprep } from "../../../src/security/authentication/saslprep.ts"

describe("SASLprep [RFC 4013]", () => {
  test.each([
    ["I\u00adX", "IX", "a soft hyphen is nothing"],
    ["user", "user", "plain text stays"],
    ["USER", "USER", "so does its case"],
    ["\u00aa", "a", "what is written in another form is the same"],
    ["\u2168", "IX", "so is a number in one character"],
    ["a\u00a0b", "a b", "a space of any kind is a space"],
    ["zu\u0308rich", "z\u00fcrich", "accents are where they belong"],
    ["\u0627\u0031\u0628", "\u06271\u0628", "digits may stand in between what goes from right to left"],
  ])("%j becomes %j: %s", (text, prepared) => {
    expect(saslprep(text)).toBe(prepared)
  })

  test.each([
    ["\u0007", "a control"],
    ["a\u0085b", "one beyond ASCII"],
    ["\u06271", "from right to left, and ending otherwise"],
    ["\u0627a\u0628", "in both directions"],
    ["\u00ad", "nothing at all"],
    ["", "nothing to begin with"],
    ["a\ue000", "of private use"],
    ["a\ufffd", "a replacement for what was lost"],
    ["a\u202eb", "which turns the direction"],
    ["a\u{e0041}", "a tag"],
    ["a\uffff", "no character"],
    ["a\ud800", "half a character"],
    ["a\u0378", "not assigned"],
  ])("%j cannot be: %s", (text) => {
    expect(saslprep(text)).toBeUndefined()
  })
})
