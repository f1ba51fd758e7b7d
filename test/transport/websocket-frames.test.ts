import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  closeCodes,
  longestOwnHeader,
  WebSocketFrames,
  writeHeader,
} from "../../src/transport/websocket-frames.ts"

const binary = 2
const fin = 0x80

interface Frame {
  readonly opcode?: number
  readonly payload?: Uint8Array
  readonly flags?: number
  readonly mask?: readonly number[]
}

/** A frame as a client sends it [RFC 6455, section 5.2]. */
function frame({
  opcode = binary,
  payload = new Uint8Array(0),
  flags = fin,
  mask = [1, 2, 3, 4],
}: Frame): Buffer {
  const { length } = payload
  const long = Buffer.alloc(length > 65_535 ? 8 : length > 125 ? 2 : 0)
  if (long.length === 8) long.writeUInt32BE(length, 4)
  if (long.length === 2) long.writeUInt16BE(length)
  const short = long.length === 8 ? 127 : long.length === 2 ? 126 : length
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return Buffer.concat([Buffer.from([flags | opcode, 0x80 | short]), long, Buffer.from(mask), masked])
}

/** Reads bytes that come in pieces of the lengths told, again and again. */
function read(bytes: Uint8Array, lengths: readonly number[] = [bytes.length]) {
  const pings: Uint8Array[] = []
  const frames = new WebSocketFrames((ping) => pings.push(ping))
  const stream: Uint8Array[] = []
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const until = at + (lengths[piece % lengths.length] ?? 1)
    const chunk = bytes.slice(at, until)
    stream.push(chunk.subarray(0, frames.read(chunk)))
    at = until
  }
  return { stream: Buffer.concat(stream), pings, end: frames.end }
}

describe("The bytes of a stream", () => {
  test("come out as they went in, wherever frames and chunks are cut, with pings in between", () => {
    const piece = fc.record({
      payload: fc.uint8Array({ maxLength: 300 }),
      mask: fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
        (pieces, lengths) => {
          const sent = pieces.flatMap(({ payload, mask, ping }, index) => [
            ...(ping === undefined ? [] : [frame({ opcode: 9, payload: ping, mask })]),
            frame({
              opcode: index === 0 ? binary : 0,
              payload,
              mask,
              flags: index === pieces.length - 1 ? fin : 0,
            }),
          ])
          const { stream, pings, end } = read(Buffer.concat(sent), lengths)
          expect(stream).toEqual(Buffer.concat(pieces.map(({ payload }) => payload)))
          expect(pings).toEqual(pieces.flatMap(({ ping }) => (ping === undefined ? [] : [ping])))
          expect(end).toBeUndefined()
        },
      ),
    )
  })

  test("of a message of a mebibyte come out whole", () => {
    const payload = crypto.getRandomValues(new Uint8Array(65_536))
    const long = Buffer.concat(Array.from({ length: 16 }, () => payload))
    for (const lengths of [[long.length + 14], [65_537], [1_001, 3]]) {
      expect(Buffer.compare(read(frame({ payload: long }), lengths).stream, long)).toBe(0)
    }
  })
})

describe("What breaks the protocol ends it, and what came before counts", () => {
  const good = frame({ payload: Buffer.from("good") })
  const claim = (...length: number[]) => Buffer.from([fin | binary, 0xff, ...length, 1, 2, 3, 4])

  test.each<[string, Buffer, number]>([
    ["text [MQTT-6.0.0-1]", frame({ opcode: 1 }), closeCodes.unsupportedData],
    ["no mask", Buffer.from([fin | binary, 1, 65]), closeCodes.protocolError],
    ["a reserved bit", frame({ flags: fin | 0x40 }), closeCodes.protocolError],
    ["an unknown opcode", frame({ opcode: 3 }), closeCodes.protocolError],
    ["an unknown control frame", frame({ opcode: 11 }), closeCodes.protocolError],
    ["the rest of no message", frame({ opcode: 0 }), closeCodes.protocolError],
    ["a ping in two", frame({ opcode: 9, flags: 0 }), closeCodes.protocolError],
    ["a ping of 126 bytes", frame({ opcode: 9, payload: Buffer.alloc(126) }), closeCodes.protocolError],
    ["a length of 2^63", claim(0x80, 0, 0, 0, 0, 0, 0, 0), closeCodes.protocolError],
    ["a length of 2^53", claim(0, 0x20, 0, 0, 0, 0, 0, 0), closeCodes.protocolError],
  ])("%s", (_, bad, code) => {
    const { stream, end } = read(Buffer.concat([good, bad, good]))
    expect(stream.toString()).toBe("good")
    expect(end).toEqual({ by: "fault", code })
  })

  test("a message in the middle of another", () => {
    const begun = frame({ payload: Buffer.from("begun"), flags: 0 })
    const { stream, end } = read(Buffer.concat([begun, good]))
    expect(stream.toString()).toBe("begun")
    expect(end).toEqual({ by: "fault", code: closeCodes.protocolError })
  })
})

describe("A close", () => {
  test.each<[string, number[], number]>([
    ["without a code is answered with 1000", [], 1000],
    ["is answered with its code", [3, 233], 1001],
    ["of an application is answered with its code", [0x0f, 0xa1], 4001],
    ["with a code that may not come is answered with 1002", [3, 237], 1002],
    ["with half a code is answered with 1002", [3], 1002],
    ["with half a code of an application is answered with 1002", [0x0f], 1002],
    ["with a reason is answered with its code", [3, 232, 0xc3, 0xbc], 1000],
    ["with a reason that is no UTF-8 is answered with 1007", [3, 232, 0xc3], 1007],
  ])("%s", (_, payload, code) => {
    const bytes = frame({ opcode: 8, payload: new Uint8Array(payload) })
    expect(read(Buffer.concat([bytes, frame({ payload: Buffer.from("late") })]))).toEqual({
      stream: Buffer.alloc(0),
      pings: [],
      end: { by: "close", code },
    })
  })
})

test.each([
  [0, "82 00"],
  [125, "82 7d"],
  [126, "82 7e 00 7e"],
  [65_535, "82 7e ff ff"],
])("a header of ours for %d bytes is %s", (length, expected) => {
  const header = new Uint8Array(longestOwnHeader)
  const bytes = header.subarray(0, writeHeader(header, "binary", length))
  expect(Buffer.from(bytes).toString("hex").match(/../g)?.join(" ")).toBe(expected)
})
