import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Publisher } from "../../src/protocol/message.ts"
import type { ClientId, Packet, PacketId, ProtocolVersion, Publish } from "../../src/protocol/packet.ts"
import { noProperties } from "../../src/protocol/properties.ts"
import { encodeForwardedProperties } from "../../src/protocol/publish-properties.ts"
import { PublishRun } from "../../src/protocol/publish-run.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { wireTopicLimits } from "../../src/protocol/topic.ts"
import { GrowingOutput } from "../support/growing-output.ts"

const publisher: Publisher = { origin: "client", clientId: "p" as ClientId, username: undefined }

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5)

const text = fc.string({ maxLength: 70 }).map((each) => each.replaceAll(/[^ -~]/g, "."))

/** What a run takes along as it stands. */
const travelling: fc.Arbitrary<Publish["properties"]> = fc
  .record({
    contentType: fc.option(text, { nil: undefined }),
    correlationData: fc.option(fc.uint8Array({ maxLength: 9 }), { nil: undefined }),
    userProperties: fc.option(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 }), {
      nil: undefined,
    }),
  })
  .map(defined)

/** What is for us, or needs a closer look. */
const ending: fc.Arbitrary<Publish["properties"]> = fc.constantFrom<Publish["properties"]>(
  { messageExpiryInterval: 5 },
  { topicAlias: 3 },
  { payloadFormatIndicator: 1 },
  { responseTopic: "answer" },
  { contentType: "groß" },
  { userProperties: Array.from({ length: 6 }, () => ["a", "b"] as const) },
)

function defined(properties: object): Publish["properties"] {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined))
}

const publish: fc.Arbitrary<Publish> = fc
  .record({
    qos: fc.constantFrom(0, 0, 1, 1, 2),
    topic: fc.constantFrom("a", "a", "b/ü"),
    payload: fc.uint8Array({ maxLength: 200 }),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    retain: fc.nat(9).map((number) => number === 0),
    dup: fc.nat(9).map((number) => number === 0),
    properties: fc.oneof(
      { weight: 6, arbitrary: fc.constant(noProperties) },
      { weight: 3, arbitrary: travelling },
      { weight: 1, arbitrary: ending },
    ),
  })
  .map(({ properties, packetId, qos, dup, ...rest }) => ({
    ...rest,
    type: "publish",
    qos: qos as 0 | 1 | 2,
    dup: dup && qos > 0,
    packetId: qos === 0 ? undefined : (packetId as PacketId),
    properties,
  }))

/** A piece of what a connection sent: a run, or a packet that has to be read by itself. */
type Piece = { readonly run: PublishRun; readonly packets: Publish[] } | { readonly alone: Publish }

/** Cuts the packets into runs as a connection does, and tells of each while it stands. */
function cut(packets: readonly Publish[], from: ProtocolVersion, tell: (piece: Piece) => void): void {
  const frames = new FrameReader(1_000_000)
  const run = new PublishRun(new TopicTable(wireTopicLimits), 5)
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
  const names: readonly string[] = ["contentType", "correlationData", "userProperties"]
  const travels =
    Object.keys(properties).every((name) => names.includes(name)) &&
    properties.contentType !== "groß" &&
    (properties.userProperties?.length ?? 0) < 6
  return qos < 2 && !retain && !dup && (from !== 5 || travels)
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
            expect(run.queueBytes(index)).toBe(run.publish(index).queueBytes)
            const travelled = encodeForwardedProperties(from === 5 ? packet.properties : noProperties)
            // In an order of their own.
            expect([...message.properties].toSorted()).toEqual([...travelled].toSorted())
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
          const written = piece.run.append(output, 0, piece.run.count, 1, {
            version: to,
            maximumPacketBytes: 1e6,
          })
          expect(written).toBe(output.written.length)
          const expected = piece.packets.map((packet) => ({
            ...packet,
            qos: 0 as const,
            packetId: undefined,
            properties: from === 5 && to === 5 ? packet.properties : noProperties,
          }))
          expect(plainly(decodeAll(output.written, to))).toEqual(plainly(expected))
        })
      }),
    )
  })

  test("is dealt to several receivers, each of which gets its share in order", () => {
    fc.assert(
      fc.property(
        fc.array(publish, { maxLength: 12 }),
        version,
        fc.integer({ min: 1, max: 4 }),
        (packets, of, step) => {
          cut(packets, of, (piece) => {
            if ("alone" in piece) return
            const { count } = piece.run
            for (let from = 0; from < Math.min(step, count); from++) {
              const output = new GrowingOutput()
              piece.run.append(output, from, count, step, { version: of, maximumPacketBytes: 1e6 })
              const share = piece.packets.filter((_, index) => index % step === from)
              const payloads = plainly(decodeAll(output.written, of)).map(
                (each) => (each as { payload: string }).payload,
              )
              expect(payloads).toEqual(share.map(({ payload }) => payload.toHex()))
              expect(piece.run.payloadBytesOf(from, count, step)).toBe(
                share.reduce((sum, { payload }) => sum + payload.length, 0),
              )
            }
          })
        },
      ),
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
            properties: from === 5 && to === 5 ? packet.properties : noProperties,
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
      expect(piece.run.append(output, 0, 2, 1, terms)).toBe(0)
      expect(piece.run.appendOne(output, 0, terms, 9 as PacketId)).toBe(0)
      expect(output.written).toHaveLength(0)
      expect(piece.run.append(output, 0, 2, 1, { ...terms, maximumPacketBytes: 28 })).toBeGreaterThan(0)
    })
  })

  test("is no run where the remaining length has more bytes than it needs", () => {
    const frames = new FrameReader(100)
    frames.takesPaddedLengths = true
    frames.append(Uint8Array.of(0x30, 0x84, 0, 0, 1, 0x61, 0x78, 0x30, 4, 0, 1, 0x61, 0x78))
    const run = new PublishRun(new TopicTable(wireTopicLimits), 5)
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
