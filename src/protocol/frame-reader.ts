import { noBytes } from "./message.ts"
import { ProtocolError, malformedPacket } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"

/** Smallest buffer for a frame that has come in part; more is taken only as more arrives. */
const smallestBuffer = 64

/**
 * Hot. Cuts a byte stream into whole frames [2.1] where they lie: `append` what arrived, then ask `next` until it says
 * false, and read each frame from the public fields. Only a frame that came in part is copied.
 */
export class FrameReader {
  /** Longest frame taken, in bytes, fixed header included [3.1.2.11.4]. Holds for frames still to be read. */
  maximumBytes: number
  /**
   * Take a Remaining Length of more bytes than it needs. MQTT 5.0 forbids it [MQTT-1.5.5-1]; 3.1 and 3.1.1 do not,
   * and some modems pad it to a fixed width.
   */
  takesPaddedLengths = false

  /** The present frame: type and flags [2.1.1]. */
  firstByte = 0
  /** Where the present frame lies; good until the next call of `next`. Never a Buffer, so its `slice` copies. */
  bytes: Uint8Array = noBytes
  frameStart = 0
  bodyStart = 0
  /** End of the frame and of its body, exclusive. */
  bodyEnd = 0

  #chunk: Uint8Array = noBytes
  #position = 0
  /** A frame that has come in part. */
  #kept: Uint8Array = noBytes
  #keptBytes = 0
  /** Length of the fixed header that was measured last. */
  #headerBytes = 0

  /** @param maximumBytes longest frame taken, fixed header included */
  constructor(maximumBytes: number) {
    this.maximumBytes = maximumBytes
  }

  /** The remaining length of the present frame has more bytes than it needs [MQTT-1.5.5-1]. */
  get isPadded(): boolean {
    return this.bodyStart - this.frameStart > 2 && this.bytes[this.bodyStart - 1] === 0
  }

  /** The chunk must not change until `next` has said false. */
  append(chunk: Uint8Array): void {
    const plain =
      chunk instanceof Buffer ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length) : chunk
    const unread = this.#chunk.length - this.#position
    if (unread === 0) {
      this.#chunk = plain
    } else {
      // The owner stopped asking before the last chunk was read, and yet more came.
      const joined = new Uint8Array(unread + plain.length)
      joined.set(this.#chunk.subarray(this.#position))
      joined.set(plain, unread)
      this.#chunk = joined
    }
    this.#position = 0
  }

  /**
   * Moves on to the next whole frame.
   *
   * @returns false when more bytes are needed; the chunk is then let go of
   * @throws ProtocolError packetTooLarge once the length is read, before any of the body is kept; malformedPacket for a
   *   length in five bytes or in more than it needs [1.5.5]. No frame follows either.
   */
  next(): boolean {
    if (this.#keptBytes > 0) return this.#completeKept()
    const start = this.#position
    const frameBytes = this.#measure(this.#chunk, start, this.#chunk.length)
    if (frameBytes === 0 || frameBytes > this.#chunk.length - start) {
      this.#keep(this.#chunk.length - start)
      return this.#starve()
    }
    this.#position = start + frameBytes
    this.#present(this.#chunk, start, frameBytes)
    return true
  }

  /** Takes what the kept frame lacks from the chunk and not a byte more: the rest is read where it lies. */
  #completeKept(): boolean {
    let frameBytes = this.#measure(this.#kept, 0, this.#keptBytes)
    while (frameBytes === 0) {
      if (this.#position === this.#chunk.length) return this.#starve()
      this.#keep(1)
      frameBytes = this.#measure(this.#kept, 0, this.#keptBytes)
    }
    this.#keep(Math.min(frameBytes - this.#keptBytes, this.#chunk.length - this.#position), frameBytes)
    if (this.#keptBytes < frameBytes) return this.#starve()
    this.#present(this.#kept, 0, frameBytes)
    this.#kept = noBytes
    this.#keptBytes = 0
    return true
  }

  /** @returns the length of the frame at `start`, header included; 0 when its header has not come whole */
  #measure(bytes: Uint8Array, start: number, end: number): number {
    let remainingLength = 0
    for (let at = start + 1, shift = 0; shift <= 21; at++, shift += 7) {
      if (at >= end) return 0
      const byte = bytes[at] as number
      remainingLength |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0 && !this.takesPaddedLengths) {
        throw malformedPacket("the remaining length has more bytes than it needs [MQTT-1.5.5-1]")
      }
      this.#headerBytes = at + 1 - start
      const frameBytes = this.#headerBytes + remainingLength
      if (frameBytes > this.maximumBytes) {
        throw new ProtocolError(
          ReasonCode.packetTooLarge,
          `a packet of ${frameBytes} bytes, where ${this.maximumBytes} is the most`,
        )
      }
      return frameBytes
    }
    throw malformedPacket("the remaining length has more than four bytes [1.5.5]")
  }

  #present(bytes: Uint8Array, start: number, frameBytes: number): void {
    this.bytes = bytes
    this.firstByte = bytes[start] as number
    this.frameStart = start
    this.bodyStart = start + this.#headerBytes
    this.bodyEnd = start + frameBytes
  }

  /**
   * Copies so many bytes of the chunk to the kept frame, whose buffer at most doubles what has arrived.
   *
   * @param frameBytes of the whole frame, if that is known: no more is taken
   */
  #keep(length: number, frameBytes = Number.POSITIVE_INFINITY): void {
    if (length === 0) return
    const needed = this.#keptBytes + length
    if (needed > this.#kept.length) {
      const doubled = Math.max(2 * this.#keptBytes, smallestBuffer)
      const grown = new Uint8Array(Math.max(needed, Math.min(doubled, frameBytes)))
      grown.set(this.#kept.subarray(0, this.#keptBytes))
      this.#kept = grown
    }
    const end = this.#position + length
    this.#kept.set(this.#chunk.subarray(this.#position, end), this.#keptBytes)
    this.#position = end
    this.#keptBytes = needed
  }

  /** Nothing whole is left: an idle connection must not hold on to its last chunk. */
  #starve(): false {
    this.#chunk = noBytes
    this.#position = 0
    this.bytes = noBytes
    return false
  }
}
