import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { breaks } from "./breaks.ts"
import { noticeOf } from "./notice.ts"

describe("a break is noticed", () => {
  const doubling = { as: /^doubled: \d+/ }

  test("when the torture finds wrong what it makes wrong, be it not the first", () => {
    expect(noticeOf(doubling, ["doubled: 3, where at most 0 is promised"]).noticed).toBe("yes")
    const wrong = ["lost: 1, where at most 0 is promised", "doubled: 2, where at most 0 is promised"]
    expect(noticeOf(doubling, wrong)).toEqual({ noticed: "yes", as: wrong[1] ?? "" })
  })

  test("not when the torture comes to no end of its own, or finds something else", () => {
    const late = "Error: waited in vain for everybody to be back"
    expect(noticeOf(doubling, [late])).toEqual({ noticed: "otherwise", as: late })
  })

  test("by whatever is found wrong where nobody knows how it is noticed", () => {
    expect(noticeOf({}, ["the broker ended with 1"])).toEqual({
      noticed: "yes",
      as: "the broker ended with 1",
    })
  })

  test("not when nothing is wrong", () => {
    expect(noticeOf({}, [])).toEqual({ noticed: "no", as: "" })
    expect(noticeOf(doubling, [])).toEqual({ noticed: "no", as: "" })
  })
})

test("docs/reliability.md counts the breaks, and quotes some that there are", () => {
  const page = readFileSync(new URL("../../../docs/reliability.md", import.meta.url), "utf8").replaceAll(
    /\s+/g,
    " ",
  )
  const [, count, examples = ""] =
    /breaks the sources in (\d+) places, such as ([^.]*), and a test/.exec(page) ?? []
  expect(Number(count)).toBe(breaks.length)
  const quoted = [...examples.matchAll(/"([^"]+)"/g)].map(([, what = ""]) => what)
  expect(quoted.length).toBeGreaterThan(2)
  const known = new Set(breaks.map(({ what }) => what))
  expect(quoted.filter((what) => !known.has(what))).toEqual([])
})
