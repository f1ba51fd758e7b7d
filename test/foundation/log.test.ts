import { describe, expect, test } from "bun:test"
import { type LogFormat, lineLog } from "../../src/foundation/log.ts"

/** What a terminal obeys, what ends a line, and what turns the order of letters around. */
const dangerous = {
  "a line end": "\r\n",
  "an escape": "\u001b]0;title\u0007",
  "a control of the upper half": "\u009b31m",
  DEL: "\u007f",
  "a separator of lines": "\u2028\u2029",
  "an override of the direction": "\u202e\u2066\u2069\u200f\u061c",
  "something nobody sees": "\u200b\ufeff\u00ad",
  "a tag beyond the first plane": "\u{e0041}",
  "half a letter": "\ud800",
}

function lineOf(format: LogFormat, value: string): string {
  const lines: string[] = []
  lineLog("info", format, (line) => void lines.push(line)).warn(`said ${value}`, { client: value, n: 1 })
  expect(lines).toHaveLength(1)
  return lines[0] ?? ""
}

describe("A log line", () => {
  for (const [name, text] of Object.entries(dangerous)) {
    test(`shows ${name} escaped, whatever its format`, () => {
      for (const format of ["text", "json"] as const) {
        const line = lineOf(format, `a${text}b`)
        expect(line.slice(0, -1)).toMatch(/^[ -~]*$/)
        expect(line.at(-1)).toBe("\n")
      }
    })

    test(`of JSON gives back ${name} as it was`, () => {
      expect(JSON.parse(lineOf("json", text))).toMatchObject({ client: text, message: `said ${text}`, n: 1 })
    })
  }

  test("leaves the letters of all people alone", () => {
    expect(lineOf("text", "Zoë/日本/🙂")).toContain('client="Zoë/日本/🙂"')
    expect(lineOf("json", "Zoë/日本/🙂")).toContain('"client":"Zoë/日本/🙂"')
  })
})
