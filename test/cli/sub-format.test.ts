import { describe, expect, test } from "bun:test"
import {
  FormatError,
  parseFormat,
  payloadFormat,
  Unprintable,
  verboseFormat,
} from "../../cli/message-format.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { packetId, publish } from "../client/scripted-server.ts"

const at = new Date(2026, 10, 21, 9, 5, 7, 42)
const unixSeconds = Math.floor(at.getTime() / 1000)
const zone = /[+-]\d{4}/.exec(at.toString())?.[0] ?? ""

const everything = publish({
  topic: "lamp/1",
  qos: 1,
  retain: true,
  packetId: packetId(7),
  payload: Buffer.from('{"on": true}'),
  properties: {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 33,
    contentType: "json",
    responseTopic: "lamp/re",
    correlationData: Uint8Array.of(0, 255),
    subscriptionIdentifiers: [5],
    topicAlias: 3,
    userProperties: [
      ["a", "b"],
      ["a", "c"],
    ],
  },
})
const bare = publish({ topic: "t", payload: new Uint8Array(0) })

/** As Latin-1, so that each byte is seen. */
function print(format: string, message: Publish = everything): string {
  const parts: Uint8Array[] = []
  parseFormat(format, { newline: false })(message, at, {
    bytes: (bytes) => parts.push(bytes),
    text: (text) => parts.push(Buffer.from(text)),
  })
  return Buffer.concat(parts).toString("latin1")
}

function printWith(format: ReturnType<typeof payloadFormat>, message: Publish): string {
  let printed = ""
  const add = (text: string) => (printed += text)
  format(message, at, { bytes: (bytes) => add(Buffer.from(bytes).toString("latin1")), text: add })
  return printed
}

describe("without -F", () => {
  test("the payload and a newline are printed, and of an empty one nothing at all", () => {
    expect(printWith(payloadFormat(true), everything)).toBe('{"on": true}\n')
    expect(printWith(payloadFormat(false), everything)).toBe('{"on": true}')
    expect(printWith(payloadFormat(true), bare)).toBe("")
  })

  test("-v puts the topic before it, and (null) for an empty payload", () => {
    expect(printWith(verboseFormat(true), everything)).toBe('lamp/1 {"on": true}\n')
    expect(printWith(verboseFormat(false), bare)).toBe("t (null)")
  })

  test("bytes that are no text come out as they are", () => {
    expect(printWith(verboseFormat(true), publish({ payload: Uint8Array.of(0, 0xff, 0xc3) }))).toBe(
      "a/b \0\xff\xc3\n",
    )
  })
})

describe("-F, each code", () => {
  test.each([
    ["%%", "%"],
    ["%t", "lamp/1"],
    ["%q", "1"],
    ["%r", "1"],
    ["%l", "12"],
    ["%m", "7"],
    ["%p", '{"on": true}'],
    ["%x", "7b226f6e223a20747275657d"],
    ["%X", "7B226F6E223A20747275657D"],
    ["%A", "3"],
    ["%C", "json"],
    ["%D", "\x00\xff"],
    ["%E", "33"],
    ["%F", "1"],
    ["%R", "lamp/re"],
    ["%S", "5"],
    ["%P", "a:b a:c"],
    ["%I", `2026-11-21T09:05:07${zone}`],
    ["%U", `${unixSeconds}.042000000`],
    ["@Y-@m-@d @H:@M:@S.@N @@", "2026-11-21 09:05:07.042000000 @"],
    [String.raw`\\\0\a\e\n\r\t\v`, "\\\0\x07\x1b\n\r\t\v"],
    ["<%t> é", "<lamp/1> \xc3\xa9"],
  ])("%s", (format, printed) => {
    expect(print(format)).toBe(printed)
  })

  test("what a message lacks is blank", () => {
    expect(print("[%A%C%D%E%F%P%R%S]", bare)).toBe("[]")
    expect(print("[%5C|%05E|%-3S]", bare)).toBe("[     |     |   ]")
    expect(print("%m", bare)).toBe("0")
  })

  test("several subscription identifiers are all there", () => {
    expect(print("%S", publish({ properties: { subscriptionIdentifiers: [1, 2] } }))).toBe("1,2")
  })

  test("a newline follows unless -N", () => {
    let printed = ""
    parseFormat("%t", { newline: true })(bare, at, { bytes: () => {}, text: (text) => (printed += text) })
    expect(printed).toBe("t\n")
  })
})

describe("-F, width and precision", () => {
  test.each([
    ["%8t|", "  lamp/1|"],
    ["%-8t|", "lamp/1  |"],
    ["%.4t|", "lamp|"],
    ["%6.2C|", "    js|"],
    ["%04q", "1"],
    ["%015l", "000000000000012"],
    ["%-04l|", "12  |"],
    ["%14p|", '  {"on": true}|'],
    ["%-14p|", '{"on": true}  |'],
    ["%3p|", '{"on": true}|'],
    ["%5l", "   12"],
    ["%.2x", "7b 22 6f 6e 22 3a 20 74 72 75 65 7d"],
    ["%.4:X", "7B22:6F6E:223A:2074:7275:657D"],
    ["%026x", "007b226f6e223a20747275657d"],
  ])("%s", (format, printed) => {
    expect(print(format)).toBe(printed)
  })

  const float = publish({ payload: new Uint8Array(new Float32Array([1.5]).buffer) })
  const double = publish({ payload: new Uint8Array(new Float64Array([-2.25]).buffer) })

  test("%f and %d are numbers of four and eight bytes", () => {
    expect(print("%f", float)).toBe("1.500000")
    expect(print("%.1f", float)).toBe("1.5")
    expect(print("%d", double)).toBe("-2.250000")
    expect(print("%8.2d|", double)).toBe("   -2.25|")
  })

  test("a payload of another size is no number", () => {
    expect(() => print("%f", double)).toThrow(Unprintable)
    expect(() => print("%d", float)).toThrow("has 4 bytes, not the 8 of a number")
  })
})

describe("-F, what is no format", () => {
  test.each(["%", "%-", "%5", "%y", "%5.", "@", "@é", "\\", "\\x", "%:t", "%99999t"])("%s", (format) => {
    expect(() => parseFormat(format, { newline: true })).toThrow(FormatError)
  })
})

describe("-F %j and %J", () => {
  test("all that is known of a message, in the order of mosquitto_sub", () => {
    expect(print("%j")).toBe(
      `{"tst":"2026-11-21T09:05:07.042000${zone}","topic":"lamp/1","qos":1,"retain":true,"payloadlen":12,"mid":7,` +
        `"properties":{"payload-format-indicator":1,"message-expiry-interval":33,"content-type":"json",` +
        `"response-topic":"lamp/re","correlation-data":"\\u0000\xef\xbf\xbd","correlation-data-base64":"AP8=",` +
        `"subscription-identifier":5,"topic-alias":3,"user-properties":[{"a":"b"},{"a":"c"}]},` +
        `"payload":"{\\"on\\": true}"}`,
    )
  })

  test("a message with nothing but a topic", () => {
    const expected = `{"tst":"2026-11-21T09:05:07.042000${zone}","topic":"t","qos":0,"retain":false,"payloadlen":0,"payload":null}`
    expect(print("%j", bare)).toBe(expected)
    expect(print("%J", bare)).toBe(expected)
  })

  const payloadOf = (payload: string | Uint8Array, format: string) => {
    return print(format, publish({ payload: Buffer.from(payload) })).replace(/^.*"payload":/, "")
  }

  test("a payload that is no text is there as base64 too", () => {
    expect(payloadOf(Uint8Array.of(0xff), "%j")).toBe(`"\xef\xbf\xbd","payload-base64":"/w=="}`)
  })

  test("%J embeds the payload without blanks between its tokens, its numbers as they were written", () => {
    expect(payloadOf('{ "a b" : [ 1.0, 12345678901234567890 ],\n"\\" " : null }', "%J")).toBe(
      '{"a b":[1.0,12345678901234567890],"\\" ":null}}',
    )
  })

  test.each(["{", "'a'", "1 2", "\xff"])("%s is no JSON", (payload) => {
    expect(() => payloadOf(Buffer.from(payload, "latin1"), "%J")).toThrow(
      "the payload on topic a/b is not valid JSON",
    )
  })
})
