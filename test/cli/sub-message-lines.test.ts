import { describe, expect, test } from "bun:test"
import pc from "picocolors"
import { messageLines } from "../../cli/sub/message-lines.ts"
import { bytesOf, packetId, publish } from "../client/scripted-server.ts"

const at = new Date(2026, 10, 21, 9, 5, 7, 42)
const plain = pc.createColors(false)
const colours = pc.createColors(true)

type Fields = Parameters<typeof publish>[0]

/** Below its first line a message is indented. */
function lines(
  fields: Fields & { text?: string },
  columns = 80,
  payloadLines = 8,
  paint = plain,
): readonly string[] {
  const { text, ...others } = fields
  const message = publish({ ...others, ...(text === undefined ? {} : { payload: bytesOf(text) }) })
  return messageLines(message, at, { columns, payloadLines, paint })
}

describe("The first line of a message", () => {
  test("says when, where and what, on one line if it fits", () => {
    expect(lines({ topic: "home/temp", text: "21.5" })).toEqual(["09:05:07.042  home/temp  21.5"])
    expect(lines({ topic: "home/temp", text: "21.5" }, 40)).toEqual(["09:05:07  home/temp  21.5"])
  })

  test("marks QoS, what was retained and what was sent before", () => {
    expect(lines({ qos: 1, packetId: packetId(1), text: "on" })).toEqual(["09:05:07.042  a/b  [QoS 1]  on"])
    expect(lines({ qos: 2, packetId: packetId(1), retain: true, dup: true, text: "on" })).toEqual([
      "09:05:07.042  a/b  [QoS 2, retained, again]  on",
    ])
  })

  test("an empty payload is told of", () => {
    expect(lines({ text: "" })).toEqual(["09:05:07.042  a/b  (empty)"])
  })

  test("what does not fit beside the topic goes below it, and so does a topic that does not fit", () => {
    expect(lines({ topic: "home/livingroom/window", text: "closed" }, 32)).toEqual([
      "09:05:07  home/livingroom/window",
      "  closed",
    ])
    expect(lines({ topic: "home/livingroom/window/left", retain: true, text: "closed" }, 24)).toEqual([
      "09:05:07",
      "  home/livingroom/window",
      "  /left",
      "  [retained]",
      "  closed",
    ])
    expect(lines({ topic: "home/window", retain: true, text: "closed" }, 24)).toEqual([
      "09:05:07  home/window",
      "  [retained]",
      "  closed",
    ])
  })

  test("a topic has its own colour, the same whenever it comes", () => {
    const first = (topic: string) => lines({ topic, text: "x" }, 80, 8, colours)[0]
    expect(first("home/temp")).toBe(
      "\x1b[2m09:05:07.042\x1b[22m  \x1b[1m\x1b[35mhome/temp\x1b[39m\x1b[22m  x",
    )
    expect(first("home/door")).not.toContain("\x1b[35m")
  })
})

describe("What MQTT 5 adds", () => {
  const properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 30,
    contentType: "application/json",
    responseTopic: "home/answer",
    correlationData: Uint8Array.of(0, 255),
    subscriptionIdentifiers: [5],
    userProperties: [
      ["unit", "°C"],
      ["unit", "F"],
    ],
  } as const

  test("stands below, as much on a line as fits", () => {
    expect(lines({ text: "21", properties })).toEqual([
      "09:05:07.042  a/b  21",
      "  type application/json  expires in 30 s  answer to home/answer",
      "  correlation hex 00ff  subscription 5  unit=°C  unit=F",
    ])
  })

  test("and is cut to the width", () => {
    expect(lines({ text: "21", properties: { contentType: "application/json" } }, 20)).toEqual([
      "09:05:07  a/b  21",
      "  type application/…",
    ])
  })
})

describe("JSON", () => {
  test("stays on one line where it fits", () => {
    expect(lines({ text: '{"on":true,"list":[1,2.50],"none":{}}' })).toEqual([
      '09:05:07.042  a/b  {"on": true, "list": [1, 2.50], "none": {}}',
    ])
  })

  test("is laid out in lines where it does not, numbers and keys as they were written", () => {
    const text =
      '{"id":12345678901234567890,"deep":{"name":"a long name, so it breaks","list":[1,2,3]},"id":1.0}'
    expect(lines({ text }, 50)).toEqual([
      "09:05:07  a/b",
      "  {",
      '    "id": 12345678901234567890,',
      '    "deep": {',
      '      "name": "a long name, so it breaks",',
      '      "list": [1, 2, 3]',
      "    },",
      '    "id": 1.0',
      "  }",
    ])
  })

  test("the numbers of a long array stand side by side", () => {
    const text = JSON.stringify(Array.from({ length: 30 }, (_, index) => index))
    expect(lines({ text }, 40)).toEqual([
      "09:05:07  a/b",
      "  [",
      "    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,",
      "    11, 12, 13, 14, 15, 16, 17, 18, 19,",
      "    20, 21, 22, 23, 24, 25, 26, 27, 28,",
      "    29",
      "  ]",
    ])
  })

  test("a long string goes on in the next line", () => {
    expect(lines({ text: JSON.stringify({ text: "x".repeat(40), n: 1 }) }, 30)).toEqual([
      "09:05:07  a/b",
      "  {",
      '    "text":',
      `      "${"x".repeat(22)}`,
      `      ${"x".repeat(18)}",`,
      '    "n": 1',
      "  }",
    ])
  })

  test("has colours by what is a key, a text, a number or a word", () => {
    expect(lines({ text: '{"a":["b",1,null]}' }, 80, 8, colours)[0]).toEndWith(
      '  {\x1b[36m"a"\x1b[39m: [\x1b[32m"b"\x1b[39m, \x1b[33m1\x1b[39m, \x1b[35mnull\x1b[39m]}',
    )
  })

  test("nested beyond all measure, it is text", () => {
    const text = "[".repeat(5000) + "]".repeat(5000)
    expect(lines({ text }, 40, 3)).toEqual([
      "09:05:07  a/b",
      `  ${"[".repeat(38)}`,
      `  ${"[".repeat(38)}`,
      "  … 9,924 bytes more (--full)",
    ])
  })
})

describe("Text", () => {
  test("of several lines stands below, tabs as blanks", () => {
    expect(lines({ text: "one\r\ntwo\tthree\n" })).toEqual(["09:05:07.042  a/b", "  one", "  two three"])
  })

  test("breaks at a word where one ends in the second half of the line", () => {
    expect(lines({ text: "a text of some words, and averyveryverylongword" }, 20)).toEqual([
      "09:05:07  a/b",
      "  a text of some",
      "  words, and",
      "  averyveryverylongw",
      "  ord",
    ])
  })

  test("too wide goes on in the next line, wide characters and all", () => {
    expect(lines({ text: "安".repeat(12) }, 20)).toEqual([
      "09:05:07  a/b",
      `  ${"安".repeat(9)}`,
      `  ${"安".repeat(3)}`,
    ])
  })

  test("too long is folded, and says how much is hidden", () => {
    const text = Array.from({ length: 50 }, (_, index) => `line ${index}`).join("\n")
    expect(lines({ text }, 80, 4)).toEqual([
      "09:05:07.042  a/b",
      "  line 0",
      "  line 1",
      "  line 2",
      "  … 368 bytes more (--full)",
    ])
    expect(lines({ text }, 80, Number.POSITIVE_INFINITY)).toHaveLength(51)
    expect(lines({ text }, 80, 50)).toHaveLength(51)
  })

  test("of many megabytes costs no more than its beginning", () => {
    const shown = lines({ text: "y".repeat(5_000_000) }, 40, 4)
    expect(shown.at(-1)).toBe("  … 4,999,886 bytes more (--full)")
    expect(shown).toHaveLength(5)
    // It would be laid out with blanks if it were read to its end.
    expect(lines({ text: `[1${",1".repeat(1_000_000)}]` }, 40, 4)[1]).toBe(`  [${"1,".repeat(18)}1`)
  })
})

describe("Bytes", () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, index) => (index * 37) & 0xff)

  test("are dumped with offsets and ASCII", () => {
    expect(lines({ payload: bytes })).toEqual([
      "09:05:07.042  a/b",
      "  0000: 0025 4a6f 94b9 de03 284d 7297 bce1 062b  .%Jo....(Mr....+",
      "  0010: 5075 9abf e409 2e53 789d c2e7 0c31 567b  Pu.....Sx....1V{",
      "  0020: a0c5 ea0f 3459 7ea3                      ....4Y~.",
    ])
  })

  test("in fewer columns, fewer on a line", () => {
    expect(lines({ payload: bytes }, 40, 3)).toEqual([
      "09:05:07  a/b",
      "  0000: 0025 4a6f 94b9 de03  .%Jo....",
      "  0008: 284d 7297 bce1 062b  (Mr....+",
      "  … 24 bytes more (--full)",
    ])
    expect(lines({ payload: bytes }, 24, 3)[1]).toBe("  0000: 0025 4a6f  .%Jo")
  })

  test("well-formed UTF-8 is no text when a NUL or many control characters are in it", () => {
    expect(lines({ text: "abcdef\0h" })[1]).toBe("  0000: 6162 6364 6566 0068                      abcdef.h")
    expect(lines({ text: "\x08\x01\x12ok" })[1]).toStartWith("  0000: 0801 126f 6b")
  })
})

describe("No message commands the terminal", () => {
  /** Everything that a terminal may obey. */
  const evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\x08\u202eabc\u2066\x7f"
  const harmlessText = String.raw`\x1b]0;owned\x07\x1b[2J\x9b31m\r\x08\u202eabc\u2066\x7f`

  test("by its payload", () => {
    expect(lines({ text: evil })).toEqual([`09:05:07.042  a/b  ${harmlessText}`])
  })

  test("by its topic or its properties", () => {
    const properties = {
      contentType: evil,
      responseTopic: evil,
      userProperties: [[evil, evil]],
      correlationData: bytesOf(evil),
    } as const
    const shown = lines({ topic: evil, text: "x", properties }, 200)
    expect(shown[0]).toBe(`09:05:07.042  ${harmlessText}  x`)
    expect(shown[1]).toStartWith(`  type ${harmlessText}`)
    expect(shown.join("")).not.toMatch(/[\p{Cc}\u202e\u2066]/u)
  })

  test("by JSON, whose strings may hold some of them", () => {
    const text = JSON.stringify({ "\x9bk\u202e": "\x7f\x9b2J", "\x1b": "\x1b" })
    const shown = [...lines({ text }), ...lines({ text }, 20)].join("")
    expect(shown).toContain(String.raw`"\x9bk\u202e": "\x7f\x9b2J"`)
    expect(shown).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  test("in colour, by nothing but our own colours", () => {
    const shown = [
      ...lines({ topic: evil, text: evil }, 80, 8, colours),
      ...lines({ payload: Uint8Array.of(0x1b, 0x9b, 0xff) }, 80, 8, colours),
    ].join("")
    const [first = "", ...behindEscapes] = shown.split("\u001b[")
    expect(behindEscapes.filter((each) => !/^\d{1,2}m/.test(each))).toEqual([])
    expect(first + behindEscapes.join("")).not.toMatch(/[\p{Cc}\u202e\u2066]/u)
  })
})
