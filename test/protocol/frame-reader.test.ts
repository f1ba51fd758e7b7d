import { heapStats } from "bun:jsc"
import { describe, expect, test } from "bun:test"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import { ProtocolError } from "../../src/protocol/protocol-error.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { examples } from "../support/packet-catalogue.ts"
import { bytesOf } from "../support/wire-notation.ts"

/** Each frame as its first byte and its body. */
function framesOf(reader: FrameReader): string[] {
  const frames: string[] = []
  while (reader.next()) {
    expect(reader.bytes[reader.frameStart]).toBe(reader.firstByte)
    const { firstByte, bytes, bodyStart, bodyEnd } = reader
    frames.push(`${firstByte.toString(16)} ${bytes.slice(bodyStart, bodyEnd).toHex()}`)
  }
  return frames
}

function framesOfChunks(...chunks: Uint8Array[]): string[] {
  const reader = new FrameReader(0x1000_0000)
  return chunks.flatMap((chunk) => {
    reader.append(chunk)
    return framesOf(reader)
  })
}

function refusalOf(hex: string, reader = new FrameReader(100)): ReasonCode | undefined {
  reader.append(bytesOf(hex))
  try {
    reader.next()
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.reasonCode
    throw error
  }
}

/** Small packets, and one whose length takes two bytes and one whose length takes three. */
const stream = Buffer.concat([
  ...examples.slice(0, 12).map(({ bytes }) => bytesOf(bytes)),
  bytesOf("30 c801"),
  new Uint8Array(200).fill(1),
  bytesOf("c000 d000"),
  bytesOf("30 f0a201"),
  new Uint8Array(20_848).fill(2),
  bytesOf("e000"),
])
const whole = framesOfChunks(stream)

describe("2.1 a stream is cut into whole frames", () => {
  test("all of one chunk, where they lie", () => {
    expect(whole).toHaveLength(17)
    expect(whole.slice(-4).map((frame) => frame.length)).toEqual([3, 3, 3 + 2 * 20_848, 3])
  })

  test("the same ones when the stream is cut in two, at every offset", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      // Within a long run of one byte all cuts are alike.
      if (cut > 1500 && cut < stream.length - 100 && cut % 997 !== 0) continue
      expect(framesOfChunks(stream.subarray(0, cut), stream.subarray(cut))).toEqual(whole)
    }
  })

  test("the same ones byte by byte", () => {
    const reader = new FrameReader(0x1000_0000)
    const frames: string[] = []
    for (let at = 0; at < stream.length; at++) {
      reader.append(stream.subarray(at, at + 1))
      frames.push(...framesOf(reader))
    }
    expect(frames).toEqual(whole)
  })

  test.each([2, 3, 7, 64, 65, 1000])("the same ones in chunks of %i bytes", (size) => {
    const chunks = []
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
    expect(framesOfChunks(...chunks)).toEqual(whole)
  })

  test("the same ones when a chunk comes before the last one is read", () => {
    for (const cut of [1, 2, 40, 41, 300, 5000]) {
      const reader = new FrameReader(0x1000_0000)
      reader.append(stream.subarray(0, cut))
      const first = reader.next() ? [reader.bytes.slice(reader.bodyStart, reader.bodyEnd).toHex()] : []
      reader.append(stream.subarray(cut))
      expect(first.length + framesOf(reader).length).toBe(whole.length)
    }
  })

  test("an empty chunk changes nothing", () => {
    expect(framesOfChunks(bytesOf(""), bytesOf("c0"), bytesOf(""), bytesOf("00"), bytesOf(""))).toEqual([
      "c0 ",
    ])
  })
})

describe("no more is kept than must be", () => {
  test("a whole frame is read in the chunk it came in, though another was kept before", () => {
    const reader = new FrameReader(100)
    reader.append(bytesOf("c0"))
    expect(reader.next()).toBe(false)
    const chunk = bytesOf("00 d000")
    reader.append(chunk)
    expect(reader.next()).toBe(true)
    expect(reader.bytes.buffer).not.toBe(chunk.buffer)
    expect(reader.next()).toBe(true)
    expect(reader.bytes.buffer).toBe(chunk.buffer)
    expect(reader.frameStart).toBe(1)
  })

  test("what has come of a frame is copied, so that its chunk may change and be collected", () => {
    const reader = new FrameReader(100)
    const chunk = bytesOf("30 04 0001")
    reader.append(chunk)
    expect(reader.next()).toBe(false)
    chunk.fill(0xff)
    reader.append(bytesOf("'a' 'x'"))
    expect(framesOf(reader)).toEqual(["30 00016178"])
  })

  test("a chunk is let go of once nothing whole is left in it", () => {
    const reader = new FrameReader(100)
    reader.append(bytesOf("c000"))
    expect(reader.next()).toBe(true)
    expect(reader.next()).toBe(false)
    expect(reader.bytes.length).toBe(0)
  })

  test("the buffer of a frame grows by what has come, not by what is promised", () => {
    const before = heapStats().extraMemorySize
    const readers = Array.from({ length: 64 }, () => {
      const reader = new FrameReader(0x1000_0004)
      reader.append(bytesOf("30 ffffff7f 00"))
      expect(reader.next()).toBe(false)
      return reader
    })
    // 64 promises of 256 MiB each, and 6 bytes of each that came.
    expect(heapStats().extraMemorySize - before).toBeLessThan(0x10_0000)
    expect(readers).toHaveLength(64)
  })

  test("the bytes are never a Buffer, whose slice would be a view", () => {
    const reader = new FrameReader(100)
    reader.append(Buffer.from("c000", "hex"))
    expect(reader.next()).toBe(true)
    expect(reader.bytes).not.toBeInstanceOf(Buffer)
  })
})

describe("2.1.4 a length that cannot be taken", () => {
  test("above the maximum is refused before any of the body has come [MQTT-3.1.2-24]", () => {
    expect(refusalOf("30 63")).toBe(ReasonCode.packetTooLarge)
    expect(refusalOf("30 ffffff7f")).toBe(ReasonCode.packetTooLarge)
  })

  test("of the maximum is taken, the fixed header counted", () => {
    expect(refusalOf("30 62")).toBeUndefined()
  })

  test("is refused as well when it comes in two chunks", () => {
    const reader = new FrameReader(100)
    reader.append(bytesOf("30 ff"))
    expect(reader.next()).toBe(false)
    expect(refusalOf("01", reader)).toBe(ReasonCode.packetTooLarge)
  })

  test("may be taken once the maximum is raised", () => {
    const reader = new FrameReader(4)
    reader.append(bytesOf("c000 30 03 0001'a'"))
    expect(reader.next()).toBe(true)
    reader.maximumBytes = 5
    expect(framesOf(reader)).toEqual(["30 000161"])
  })

  test("in a fifth byte is refused when the fourth says so [1.5.5]", () => {
    expect(refusalOf("30 80808080")).toBe(ReasonCode.malformedPacket)
    expect(refusalOf("30 ffffff")).toBeUndefined()
  })

  test("in more bytes than it needs is refused [MQTT-1.5.5-1]", () => {
    expect(refusalOf("c0 8000")).toBe(ReasonCode.malformedPacket)
    expect(refusalOf("c0 80808000")).toBe(ReasonCode.malformedPacket)
  })

  test("in more bytes than it needs is taken where MQTT 3.1 and 3.1.1 allow it", () => {
    const reader = new FrameReader(100)
    reader.takesPaddedLengths = true
    reader.append(bytesOf("c0 80808000 30 8300 0001'a' d000"))
    expect(framesOf(reader)).toEqual(["c0 ", "30 000161", "d0 "])
  })
})
