import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Publisher } from "../../src/protocol/message.ts"
import type { ClientId, Packet, PacketId, ProtocolVersion, Publish } from "../../src/protocol/packet.ts"
import { noProperties } from "../../src/protocol/properties.ts"
import { PublishRun } from "../../src/protocol/publish-run.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { wireTopicLimits } from "../../src/protocol/topic.ts"
import { GrowingOutput } from "../support/growing-output.ts"

const publisher: Publisher = { origin: "client", clientId: "p" as ClientId, username: undefined }

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5)

const publish: fc.Arbitrary<Publish> = fc
  .record({
    qos: fc.constantFrom(0, 0, 1, 1, 2),
    topic: fc.constantFrom("a", "a", "b/ü"),
    payload: fc.uint8Array({ maxLength: 200 }),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    retain: fc.nat(9).map((number) => number === 0),
    dup: fc.nat(9).map((number) => number === 0),
    contentType: fc.option(fc.constant("text"), { freq: 9, nil: undefined }),
  })
  .map(({ contentType, packetId, qos, dup, ...rest }) => ({
    ...rest,
    type: "publish",
    qos: qos as 0 | 1 | 2,
    dup: dup && qos > 0,
    packetId: qos === 0 ? undefined : (packetId as PacketId),
    properties: contentType === undefined ? noProperties : { contentType },
  }))

/** A piece of what a connection sent: a run, or a packet that has to be read by itself. */
type Piece = { readonly run: PublishRun; readonly packets: Publish[] } | { readonly alone: Publish }

/** Cuts the packets into runs as a connection does, and tells of each while it stands. */
function cut(packets: readonly Publish[], from: ProtocolVersion, tell: (piece: Piece) => void): void {
  const frames = new FrameReader(1_000_000)
  const run = new PublishRun(new TopicTable(wireTopicLimits))
  let taken: Publish[] = []
  const end = () => {
    if (taken.length > 0) tell({ run, packets: taken })
    run.clear()
    taken = []
  }
  frames.append(Buffer.concat(packets.map((packet) => encodePacket(packet, from))))
  for (const packet of packets) {
    frames.next()
    if (!run.continue(frames)) {
      end()
      if (!run.begin(frames, from, publisher, 7)) {
        tell({ alone: packet })
        continue
      }
    }
    taken.push(packet)
  }
  end()
}

function decodeAll(bytes: Uint8Array, of: ProtocolVersion): Packet[] {
  const frames = new FrameReader(1_000_000)
  frames.append(bytes)
  const packets: Packet[] = []
  while (frames.next()) {
    packets.push(decodePacket(frames.firstByte, frames.bytes, frames.bodyStart, frames.bodyEnd, of))
  }
  return packets
}

/** Buffers and views compare by what is in them. */
function plainly(packets: readonly Packet[]): unknown[] {
  return packets.map((packet) =>
    packet.type === "publish" ? { ...packet, payload: packet.payload.toHex() } : packet,
  )
}

function isPlain({ qos, retain, dup, properties }: Publish, from: ProtocolVersion): boolean {
  return qos < 2 && !retain && !dup && (from !== 5 || properties === noProperties)
}

describe("a run of PUBLISH packets", () => {
  test("takes what is plain and nothing else, of one topic and QoS at a time, in order", () => {
    fc.assert(
      fc.property(fc.array(publish, { maxLength: 12 }), version, (packets, from) => {
        const seen: Publish[] = []
        cut(packets, from, (piece) => {
          if ("alone" in piece) {
            expect(isPlain(piece.alone, from)).toBe(false)
            seen.push(piece.alone)
            return
          }
          const { run, packets: taken } = piece
          expect(run.count).toBe(taken.length)
          expect(run.payloadBytes).toBe(taken.reduce((sum, { payload }) => sum + payload.length, 0))
          for (const [index, packet] of taken.entries()) {
            expect(isPlain(packet, from)).toBe(true)
            expect(run.topic?.name as string | undefined).toBe(packet.topic)
            if (packet.packetId !== undefined) expect(run.packetId(index)).toBe(packet.packetId)
            const { message } = run.publish(index)
            expect(message).toMatchObject({ qos: packet.qos, retain: false, publisher, receivedAtMs: 7 })
            expect(message.payload.toHex()).toBe(packet.payload.toHex())
            expect(run.queueBytes(index)).toBe(message.topic.utf8.length + packet.payload.length)
          }
          seen.push(...taken)
        })
        expect(seen).toEqual([...packets])
      }),
    )
  })

  test("goes out at QoS 0 as if each packet were written anew, whatever version the receiver speaks", () => {
    fc.assert(
      fc.property(fc.array(publish, { maxLength: 8 }), version, version, (packets, from, to) => {
        cut(packets, from, (piece) => {
          if ("alone" in piece) return
          const output = new GrowingOutput()
          const written = piece.run.append(output, 0, piece.run.count, {
            version: to,
            maximumPacketBytes: 1e6,
          })
          expect(written).toBe(output.written.length)
          const expected = piece.packets.map((packet) => ({
            ...packet,
            qos: 0 as const,
            packetId: undefined,
            properties: noProperties,
          }))
          expect(plainly(decodeAll(output.written, to))).toEqual(plainly(expected))
        })
      }),
    )
  })

  test("goes out at QoS 1 one by one, each with the identifier that its receiver knows it by", () => {
    fc.assert(
      fc.property(fc.array(publish, { maxLength: 8 }), version, version, (packets, from, to) => {
        cut(packets, from, (piece) => {
          if ("alone" in piece || piece.run.qos === 0) return
          const output = new GrowingOutput()
          const terms = { version: to, maximumPacketBytes: 1e6 }
          let written = 0
          for (let index = 0; index < piece.run.count; index++) {
            written += piece.run.appendOne(output, index, terms, (60_000 + index) as PacketId)
          }
          expect(written).toBe(output.written.length)
          const expected = piece.packets.map((packet, index) => ({
            ...packet,
            packetId: (60_000 + index) as PacketId,
            properties: noProperties,
          }))
          expect(plainly(decodeAll(output.written, to))).toEqual(plainly(expected))
        })
      }),
    )
  })

  test("with a packet that may be longer than its receiver takes writes nothing", () => {
    const packet = (payload: number): Publish => ({
      type: "publish",
      qos: 1,
      dup: false,
      retain: false,
      topic: "a",
      packetId: 1 as PacketId,
      payload: new Uint8Array(payload),
      properties: noProperties,
    })
    cut([packet(1), packet(20)], 4, (piece) => {
      if ("alone" in piece) throw new Error("both are plain")
      const output = new GrowingOutput()
      const terms = { version: 5, maximumPacketBytes: 27 } as const
      expect(piece.run.append(output, 0, 2, terms)).toBe(0)
      expect(piece.run.appendOne(output, 0, terms, 9 as PacketId)).toBe(0)
      expect(output.written).toHaveLength(0)
      expect(piece.run.append(output, 0, 2, { ...terms, maximumPacketBytes: 28 })).toBeGreaterThan(0)
    })
  })

  test("is no run where the remaining length has more bytes than it needs", () => {
    const frames = new FrameReader(100)
    frames.takesPaddedLengths = true
    frames.append(Uint8Array.of(0x30, 0x84, 0, 0, 1, 0x61, 0x78, 0x30, 4, 0, 1, 0x61, 0x78))
    const run = new PublishRun(new TopicTable(wireTopicLimits))
    frames.next()
    expect(run.begin(frames, 4, publisher, 0)).toBe(false)
    frames.next()
    expect(run.begin(frames, 4, publisher, 0)).toBe(true)
  })

  test("ends after 64 KiB, so that a receiver that does not read is noticed", () => {
    const packet: Publish = {
      type: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: "a",
      packetId: undefined,
      payload: new Uint8Array(20_000),
      properties: noProperties,
    }
    const counts: number[] = []
    cut(
      Array.from({ length: 7 }, () => packet),
      4,
      (piece) => void ("run" in piece && counts.push(piece.run.count)),
    )
    expect(counts).toEqual([3, 3, 1])
  })
})
