import { encodePacket } from "../protocol/encoder.ts"
import type { PacketId, ProtocolVersion, Publish, Qos } from "../protocol/packet.ts"
import type { PropertiesOf } from "../protocol/properties.ts"
import type { WriteBuffer } from "../transport/write-buffer.ts"

/** A payload begins with the number of its publisher, its place in that publisher's sequence, and when it was due. */
export const stampBytes = 12

/** Where in the payload each of the three stands: four bytes, the highest first. */
export const stamp = { publisher: 0, sequence: 4, dueMicroseconds: 8 } as const

/** What goes on a belt. */
export interface BeltTraffic {
  /** Topics that a publisher takes in turn, all of one length. */
  topics(publisher: number): readonly string[]
  readonly qos: Qos
  /** A stamp's length at least. */
  readonly payloadBytes: number
  /** Of each PUBLISH of MQTT 5.0. */
  readonly properties: PropertiesOf<"publish">
  /** Each topic goes out once, and from then on its alias. */
  readonly aliases: boolean
  readonly retain?: boolean
}

/**
 * A publisher's PUBLISH packets, encoded once and sent round and round: only the place in the sequence and the packet
 * identifier are written anew, so the load costs little more than the copy.
 */
export class Belt {
  readonly #bytes: Uint8Array
  readonly #frameBytes: number
  readonly #frames: number
  readonly #hasPacketIds: boolean
  readonly #packetIdAt: number
  readonly #payloadAt: number
  /** The frames that tell what the topic aliases mean; each goes out once, instead of its first namesake. */
  readonly #introductions: Uint8Array[]
  #next = 0
  #sequence = 0
  #dueMicroseconds = 0

  /** @param burst the most messages that are written at a time */
  constructor(publisher: number, traffic: BeltTraffic, version: ProtocolVersion, burst: number) {
    const { qos, payloadBytes, aliases, retain = false } = traffic
    const payload = new Uint8Array(Math.max(payloadBytes, stampBytes)).fill(0x2e)
    new DataView(payload.buffer).setUint32(stamp.publisher, publisher)
    const usual = { type: "publish", qos, dup: false, retain, payload } as const
    const packetId = qos === 0 ? undefined : (1 as PacketId)
    const packets: Publish[] = traffic.topics(publisher).map((topic, index) => ({
      ...usual,
      topic,
      packetId,
      properties: aliases ? { ...traffic.properties, topicAlias: index + 1 } : traffic.properties,
    }))
    const encode = (packet: Publish) => encodePacket(packet, version)
    const frames = packets.map((packet) => encode(aliases ? { ...packet, topic: "" } : packet))
    this.#introductions = aliases ? packets.map(encode) : []
    const rounds = Math.ceil(burst / frames.length)
    this.#bytes = Buffer.concat(Array.from({ length: rounds }, () => frames).flat())
    this.#frames = rounds * frames.length
    this.#frameBytes = this.#bytes.length / this.#frames
    this.#hasPacketIds = qos > 0
    this.#payloadAt = this.#frameBytes - payload.length
    this.#packetIdAt = packetIdAt(this.#bytes)
  }

  /** Of one packet. */
  get frameBytes(): number {
    return this.#frameBytes
  }

  /** How many were written. */
  get sequence(): number {
    return this.#sequence
  }

  /** Hot. */
  write(output: WriteBuffer, count: number): void {
    for (let left = count; left > 0;) {
      if (this.#introductions.length > 0) {
        this.#introduce(output)
        left -= 1
        continue
      }
      const run = Math.min(left, this.#frames - this.#next)
      const start = this.#next * this.#frameBytes
      const end = start + run * this.#frameBytes
      for (let at = start; at < end; at += this.#frameBytes) this.#stamp(at)
      output.append(this.#bytes.subarray(start, end))
      this.#next = (this.#next + run) % this.#frames
      left -= run
    }
  }

  /**
   * Hot. Writes messages that tell when they were due.
   *
   * @param dueMicroseconds of which the lowest 32 bits are told, an hour and some more
   */
  writeDue(output: WriteBuffer, dueMicroseconds: number, count = 1): void {
    this.#dueMicroseconds = dueMicroseconds
    this.write(output, count)
  }

  #stamp(frame: number): void {
    const bytes = this.#bytes
    const payload = frame + this.#payloadAt
    const sequence = this.#sequence++
    writeFour(bytes, payload + stamp.sequence, sequence)
    writeFour(bytes, payload + stamp.dueMicroseconds, this.#dueMicroseconds)
    if (!this.#hasPacketIds) return
    const packetId = packetIdOf(sequence)
    bytes[frame + this.#packetIdAt] = packetId >> 8
    bytes[frame + this.#packetIdAt + 1] = packetId
  }

  /** Only the topic is longer than in the frame whose turn it would be, so its end is the same. */
  #introduce(output: WriteBuffer): void {
    const frame = this.#introductions.shift()
    if (frame === undefined) return
    const start = this.#next * this.#frameBytes
    this.#stamp(start)
    const payload = this.#bytes.subarray(start + this.#payloadAt, start + this.#frameBytes)
    frame.set(payload, frame.length - payload.length)
    if (this.#hasPacketIds) {
      frame.set(this.#bytes.subarray(start + this.#packetIdAt).subarray(0, 2), packetIdAt(frame))
    }
    output.append(frame)
    this.#next = (this.#next + 1) % this.#frames
  }
}

/** The packet identifier of a message above QoS 0, by its place in the sequence. */
export function packetIdOf(sequence: number): number {
  return (sequence % 65_535) + 1
}

/** Behind the fixed header and the topic. */
function packetIdAt(frame: Uint8Array): number {
  let at = 1
  while ((frame[at] ?? 0) >= 0x80) at += 1
  return at + 3 + (((frame[at + 1] ?? 0) << 8) | (frame[at + 2] ?? 0))
}

function writeFour(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Hot. One of the numbers of a stamp. */
export function readFour(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}
