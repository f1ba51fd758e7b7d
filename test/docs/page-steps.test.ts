import { describe, expect, test } from "bun:test"
import { isAsShown } from "./expected-output.ts"
import { PageError, stepsOf } from "./page-steps.ts"

const fence = "```"
const block = (info: string, text: string) => `${fence}${info}\n${text}\n${fence}\n`
const allButBoard = (program: string) => program !== "board"
const steps = (page: string) => stepsOf(page, allButBoard)

describe("The fences of a page", () => {
  test("marked sh are typed as they stand, with what else is marked", () => {
    const page = `# Page\n\n${block("sh", "one\n\ntwo")}\n${block("sh exit=27", "three")}\n${block("sh terminal=broker", "four")}`
    expect(steps(page)).toEqual([
      { does: "run", line: 3, script: "one\n\ntwo\n", exitCode: 0 },
      { does: "run", line: 9, script: "three\n", exitCode: 27 },
      { does: "open-terminal", line: 13, script: "four\n", name: "broker" },
    ])
  })

  test("in a list or in a comment count, and those inside another fence do not", () => {
    const page = `- item\n\n  ${fence}sh\n  one\n    two\n  ${fence}\n\n<!--\n${block("sh", "three")}-->\n\n~~~md\n${block("sh", "four")}~~~\n`
    expect(steps(page)).toMatchObject([{ script: "one\n  two\n" }, { script: "three\n" }])
  })

  test("that are only to be read are left alone", () => {
    expect(steps(block("toml", "a = 1") + block("", "some text") + block("text", "more"))).toEqual([])
  })

  test("that are not to be run say why, and what they would print is not asked for", () => {
    const page =
      block('sh skip="needs Docker"', "one") + block("text output", "1") + block("text terminal", "2")
    expect(steps(page)).toEqual([{ does: "skip", line: 1, why: "needs Docker" }])
    expect(() => steps(block("sh skip", "one"))).toThrow(
      new PageError(1, 'skip needs a reason: skip="needs Docker"'),
    )
  })

  test("that need a program are skipped where it is not installed", () => {
    const page = block("sh needs=mosquitto_pub", "one") + block("sh needs=board", "two")
    expect(steps(page)).toMatchObject([{ does: "run" }, { does: "skip", why: "board is not installed" }])
  })

  test("show what is printed, here or in another terminal", () => {
    const page = [
      ...[block("text output", "1"), block("json terminal", "{}")],
      ...[block("text terminal=broker", "3"), block("text output=end", "4")],
    ].join("")
    expect(steps(page)).toEqual([
      { does: "compare-output", line: 1, expected: "1\n" },
      { does: "compare-terminal", line: 4, expected: "{}\n", name: "" },
      { does: "compare-terminal", line: 7, expected: "3\n", name: "broker" },
      { does: "compare-output", line: 10, expected: "…\n4\n" },
    ])
  })

  test("with a mark or a name of a shell that means nothing are refused", () => {
    expect(() => steps(block("sh skipped", "one"))).toThrow("line 1: skipped is none of")
    expect(() => steps(block("bash", "one"))).toThrow("line 1: write sh instead of bash")
    expect(() => steps(block("sh exit=soon", "one"))).toThrow("line 1: exit is a whole number")
  })
})

describe("What a page shows of an output", () => {
  test("is the output, but for colours and the ends of lines", () => {
    expect(isAsShown("a (b) *\nc\n", "a (b) *  \n\u001b[1mc\u001b[0m")).toBe(true)
    expect(isAsShown("a\n", "a\nb\n")).toBe(false)
    expect(isAsShown("a.c\n", "abc\n")).toBe(false)
    expect(isAsShown("b\n", "a\nb\n")).toBe(false)
  })

  test("may leave out something in a line, or whole lines", () => {
    expect(isAsShown("took … ms\n", "took 12.5 ms\n")).toBe(true)
    expect(isAsShown("took … ms\n", "took 1\n2 ms\n")).toBe(false)
    expect(isAsShown("first\n…\nlast\n", "first\nlast\n")).toBe(true)
    expect(isAsShown("first\n…\nlast\n", "first\n1\n2\nlast\n")).toBe(true)
    expect(isAsShown("first\n…\nlast\n", "first\n1\n2\n")).toBe(false)
    expect(isAsShown("…\n", "")).toBe(true)
  })
})
