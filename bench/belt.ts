import type { PacketId, Qos } from "../src/protocol/packet.ts"
import { encodePacket } from "../src/protocol/encoder.ts"
import { noProperties } from "../src/protocol/properties.ts"
import type { WriteBuffer } from "../src/transport/write-buffer.ts"

/** A payload begins with the number of its publisher and its place in that publisher's sequence. */
export const stampBytes = 8

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
  readonly #sequenceAt: number
  #next = 0
  #sequence = 0
  #packetId = 0

  /** @param topics all of one length; taken in turn */
  constructor(publisher: number, topics: readonly string[], qos: Qos, payloadBytes: number, window: number) {
    const payload = new Uint8Array(Math.max(payloadBytes, stampBytes)).fill(0x2e)
    new DataView(payload.buffer).setUint32(0, publisher)
    const frames = topics.map((topic) =>
      encodePacket(
        {
          type: "publish",
          qos,
          dup: false,
          retain: false,
          topic,
          packetId: qos === 0 ? undefined : (1 as PacketId),
          payload,
          properties: noProperties,
        },
        4,
      ),
    )
    const rounds = Math.ceil(window / frames.length)
    this.#bytes = Buffer.concat(Array.from({ length: rounds }, () => frames).flat())
    this.#frames = rounds * frames.length
    this.#frameBytes = this.#bytes.length / this.#frames
    this.#hasPacketIds = qos > 0
    this.#sequenceAt = this.#frameBytes - payload.length + 4
    this.#packetIdAt = this.#frameBytes - payload.length - 2
  }

  /** How many were written. */
  get sequence(): number {
    return this.#sequence
  }

  write(output: WriteBuffer, count: number): void {
    for (let left = count; left > 0;) {
      const run = Math.min(left, this.#frames - this.#next)
      const start = this.#next * this.#frameBytes
      const end = start + run * this.#frameBytes
      for (let at = start; at < end; at += this.#frameBytes) this.#stamp(at)
      output.append(this.#bytes.subarray(start, end))
      this.#next = (this.#next + run) % this.#frames
      left -= run
    }
  }

  #stamp(frame: number): void {
    const bytes = this.#bytes
    const sequence = this.#sequence++
    const at = frame + this.#sequenceAt
    bytes[at] = sequence >>> 24
    bytes[at + 1] = sequence >>> 16
    bytes[at + 2] = sequence >>> 8
    bytes[at + 3] = sequence
    if (!this.#hasPacketIds) return
    this.#packetId = (this.#packetId % 65_535) + 1
    bytes[frame + this.#packetIdAt] = this.#packetId >> 8
    bytes[frame + this.#packetIdAt + 1] = this.#packetId
  }
}
