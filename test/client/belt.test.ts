import { describe, expect, test } from "bun:test"
import { Belt, type BeltTraffic, readFour, stamp } from "../../src/client/belt.ts"
import { plainTraffic } from "../../bench/traffic.ts"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { WriteBuffer } from "../../src/transport/write-buffer.ts"
import { ManualTurn } from "../support/memory-socket.ts"

const traffic: BeltTraffic = { ...plainTraffic, topics: () => ["a/1", "a/2", "a/3"], qos: 0 }

/** A belt, and what it wrote as packets. */
function setUp(changes: Partial<BeltTraffic> = {}, version: ProtocolVersion = 4) {
  const packets: Packet[] = []
  const frames = new FrameReader(1_000_000)
  const sink = {
    write: (bytes: Uint8Array) => {
      frames.append(bytes.slice())
      while (frames.next()) {
        const { firstByte, bytes: frame, bodyStart, bodyEnd } = frames
        packets.push(decodePacket(firstByte, frame, bodyStart, bodyEnd, version))
      }
      return bytes.length
    },
    overflowed: () => {},
  }
  const output = new WriteBuffer(sink, new ManualTurn())
  const belt = new Belt(7, { ...traffic, ...changes }, version, 4)
  return { belt, output, packets }
}

const publishes = (packets: readonly Packet[]) =>
  packets.map((packet) => {
    if (packet.type !== "publish") throw new Error(`a belt writes no ${packet.type}`)
    return packet
  })

describe("a belt of PUBLISH packets", () => {
  test("takes the topics in turn, and counts on over its end", () => {
    const { belt, output, packets } = setUp()
    for (const count of [4, 3, 6]) belt.write(output, count)
    output.flush()
    const sent = publishes(packets)
    expect(sent.map(({ topic }) => topic.at(-1)).join("")).toBe("1231231231231")
    expect(sent.map(({ payload }) => readFour(payload, stamp.sequence))).toEqual([...Array(13).keys()])
    expect(new Set(sent.map(({ payload }) => readFour(payload, stamp.publisher)))).toEqual(new Set([7]))
    expect(belt.sequence).toBe(13)
  })

  test.each([4, 5] as const)(
    "gives each message above QoS 0 a packet identifier of its own, in version %d",
    (version) => {
      const { belt, output, packets } = setUp({ qos: 2, properties: { contentType: "text" } }, version)
      belt.write(output, 5)
      output.flush()
      expect(publishes(packets).map(({ packetId }) => packetId as number)).toEqual([1, 2, 3, 4, 5])
    },
  )

  test("writes when a message was due", () => {
    const { belt, output, packets } = setUp()
    belt.writeDue(output, 3_000_000_000)
    belt.writeDue(output, 3_000_000_025)
    output.flush()
    const due = publishes(packets).map(({ payload }) => readFour(payload, stamp.dueMicroseconds))
    expect(due).toEqual([3_000_000_000, 3_000_000_025])
  })

  test("tells what each topic alias means once, and sends the alias alone from then on", () => {
    const { belt, output, packets } = setUp({ aliases: true, qos: 1 }, 5)
    belt.write(output, 7)
    output.flush()
    const sent = publishes(packets)
    expect(sent.map(({ topic }) => topic)).toEqual(["a/1", "a/2", "a/3", "", "", "", ""])
    expect(sent.map(({ properties }) => properties.topicAlias)).toEqual([1, 2, 3, 1, 2, 3, 1])
    expect(sent.map(({ payload }) => readFour(payload, stamp.sequence))).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(sent.map(({ packetId }) => packetId as number)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })
})
