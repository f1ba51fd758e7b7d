import { describe, expect, test } from "bun:test"
import { ProtocolError } from "../../src/protocol/protocol-error.ts"
import { decodeUtf8 } from "../../src/protocol/utf8.ts"
import { bytesOf } from "../support/wire-notation.ts"

function decode(hex: string): string {
  const bytes = bytesOf(hex)
  return decodeUtf8(bytes, 0, bytes.length)
}

describe("1.5.4 UTF-8 Encoded String", () => {
  test.each([
    ["the empty text", "", ""],
    ["ASCII, control characters and DEL included", "01 1f 'aZ~' 7f", "\u0001\u001faZ~\u007f"],
    ["two bytes", "c280 dfbf", "\u0080\u07ff"],
    ["three bytes", "e0a080 ed9fbf ee8080", "\u0800\ud7ff\ue000"],
    ["four bytes", "f0908080 f48fbfbf", "\u{10000}\u{10ffff}"],
    ["non-characters, which are the receiver's choice", "efbfbf", "\uffff"],
    ["U+FEFF at the start [MQTT-1.5.4-3]", "efbbbf 'a'", "\ufeffa"],
    ["U+FEFF alone", "efbbbf", "\ufeff"],
  ])("takes %s", (_, hex, text) => {
    expect(decode(hex)).toBe(text)
  })

  test.each([
    ["U+0000 [MQTT-1.5.4-2]", "'a' 00"],
    ["U+0000 among other text", "c3a9 00"],
    ["a lone continuation byte", "80"],
    ["a sequence that lacks its last byte", "e282"],
    ["a sequence broken by ASCII", "c3'a'"],
    ["an overlong U+0000", "c080"],
    ["an overlong slash of three bytes", "e080af"],
    ["an overlong sequence of four bytes", "f0808080"],
    ["a high surrogate [MQTT-1.5.4-1]", "eda080"],
    ["a low surrogate", "edbfbf"],
    ["a pair of surrogates, as CESU-8 has it", "eda0bdedb880"],
    ["a code point above U+10FFFF", "f4908080"],
    ["a byte that UTF-8 does not use", "ff"],
  ])("refuses %s", (_, hex) => {
    expect(() => decode(hex)).toThrow(ProtocolError)
  })

  test("takes just those two- and three-byte sequences that encode a code point", () => {
    // By arithmetic, not by another decoder: each sequence that a code point yields, and no other.
    const wellFormed = new Set<string>()
    for (let point = 1; point <= 0xffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue
      if (point >= 0x800) {
        wellFormed.add(String([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)]))
      } else if (point >= 0x80) wellFormed.add(String([0xc0 | (point >> 6), 0x80 | (point & 0x3f)]))
    }
    const edges = [0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    const takes = (sequence: number[]) => {
      try {
        return decodeUtf8(Uint8Array.from(sequence), 0, sequence.length).length === 1
      } catch {
        return false
      }
    }
    for (let first = 0x80; first <= 0xff; first++) {
      for (const second of edges) {
        expect([first, second, takes([first, second])]).toEqual([
          first,
          second,
          wellFormed.has(String([first, second])),
        ])
        for (const third of edges) {
          const sequence = [first, second, third]
          expect([...sequence, takes(sequence)]).toEqual([...sequence, wellFormed.has(String(sequence))])
        }
      }
    }
  })

  test("reads between the offsets and nothing beside them", () => {
    expect(decodeUtf8(bytesOf("ff 'ab' 00"), 1, 3)).toBe("ab")
    expect(decodeUtf8(bytesOf("ff 'é' 00"), 1, 3)).toBe("é")
  })
})
