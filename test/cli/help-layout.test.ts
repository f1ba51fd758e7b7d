import { describe, expect, test } from "bun:test"
import { laidOut } from "../../cli/help-layout.ts"

describe("Help on a terminal", () => {
  const text = [
    "Usage: bantam x [options]",
    "",
    "A sentence that was broken at a hundred and ten columns, because there it ended, and that is all there is to",
    "it. A word.",
    "",
    "Examples:",
    "  bantam x --some option            what it is good for, in some words",
    "  bantam x --with many --options that --are copied --as one",
    "",
    "Exit codes:",
    "  0 all is well, 1 something is not, 2 and much more besides",
  ].join("\n")

  test("is as it is, where there is room", () => {
    expect(laidOut(text, 120)).toBe(text)
    expect(laidOut(text, undefined)).toBe(text)
    expect(laidOut(text, 0)).toBe(text)
  })

  test("has sentences filled anew, and what an example does below it, where there is not", () => {
    expect(laidOut(text, 40).split("\n")).toEqual([
      "Usage: bantam x [options]",
      "",
      "A sentence that was broken at a hundred",
      "and ten columns, because there it ended,",
      "and that is all there is to it. A word.",
      "",
      "Examples:",
      "  bantam x --some option",
      "      what it is good for, in some words",
      "  bantam x --with many --options that --are copied --as one",
      "",
      "Exit codes:",
      "  0 all is well, 1 something is not, 2",
      "  and much more besides",
    ])
  })
})
