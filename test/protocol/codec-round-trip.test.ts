import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { ProtocolError } from "../../src/protocol/protocol-error.ts"
import { anyPacket, packetOfType, packetTypesOf } from "../support/packet-arbitraries.ts"

const versions = [3, 4, 5] as const
const longest = 0x1000_0004

/** All packets in the bytes, until a frame is incomplete or the peer is found to break the protocol. */
function decodeAll(chunks: readonly Uint8Array[], version: ProtocolVersion): Packet[] {
  const packets: Packet[] = []
  const frames = new FrameReader(longest)
  try {
    for (const chunk of chunks) {
      frames.append(chunk)
      while (frames.next()) {
        packets.push(decodePacket(frames.firstByte, frames.bytes, frames.bodyStart, frames.bodyEnd, version))
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
  return packets
}

describe("what was written is read back", () => {
  for (const version of versions) {
    for (const type of packetTypesOf(version)) {
      test(`${type.toUpperCase()} in version ${version}`, () => {
        fc.assert(
          fc.property(packetOfType(type, version), (packet) => {
            expect(decodeAll([encodePacket(packet, version)], version)).toEqual([packet])
          }),
        )
      })
    }

    test(`a conversation in version ${version}, however the network cuts it`, () => {
      const packets = fc.array(anyPacket(version), { maxLength: 8 })
      const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 })
      fc.assert(
        fc.property(packets, sizes, (sent, chunkSizes) => {
          const stream = Buffer.concat(sent.map((packet) => encodePacket(packet, version)))
          const chunks: Uint8Array[] = []
          let at = 0
          for (const size of chunkSizes) {
            chunks.push(stream.subarray(at, at + size))
            at += size
          }
          chunks.push(stream.subarray(at))
          expect(decodeAll(chunks, version)).toEqual(sent)
        }),
      )
    })
  }
})

describe("no bytes make the decoder fail in any way but its own", () => {
  /** `decodeAll` lets everything but a ProtocolError through. What is read must be what writing it again says. */
  function survives(chunks: readonly Uint8Array[], version: ProtocolVersion): void {
    for (const packet of decodeAll(chunks, version)) {
      const spoken = packet.type === "connect" ? packet.version : version
      expect(decodeAll([encodePacket(packet, spoken)], spoken)).toEqual([packet])
    }
  }

  for (const version of versions) {
    test(`random bytes in version ${version}`, () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), (chunks) => {
          survives(chunks, version)
        }),
        { numRuns: 1000 },
      )
    })

    test(`random bodies of each packet type in version ${version}`, () => {
      const smallBytes = fc.array(
        fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 255 })),
        {
          maxLength: 30,
        },
      )
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 255 }), smallBytes, (firstByte, body) => {
          survives([Uint8Array.from([firstByte, body.length, ...body])], version)
        }),
        { numRuns: 3000 },
      )
    })

    test(`valid packets with bytes changed, cut out or put in, in version ${version}`, () => {
      const change = fc.record({
        at: fc.nat(400),
        cut: fc.integer({ min: 0, max: 2 }),
        put: fc.uint8Array({ maxLength: 2 }),
      })
      fc.assert(
        fc.property(
          anyPacket(version),
          fc.array(change, { minLength: 1, maxLength: 3 }),
          (packet, changes) => {
            const whole = encodePacket(packet, version)
            // The body alone, under a length that is right, or the changes would seldom reach the decoder.
            const body = [...whole.subarray(whole.length > 129 ? 3 : 2)]
            for (const { at, cut, put } of changes) body.splice(at % (body.length + 1), cut, ...put)
            const remainingLength = [(body.length & 0x7f) | 0x80, (body.length >> 7) & 0x7f]
            if (body.length < 0x80) remainingLength.splice(0, 2, body.length)
            survives([Uint8Array.from([whole[0] ?? 0, ...remainingLength, ...body])], version)
          },
        ),
        { numRuns: 1000 },
      )
    })
  }
})
