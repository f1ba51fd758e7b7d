import { malformedPacket } from "./protocol-error.ts"
import { decodeUtf8 } from "./utf8.ts"

/** How much of what may stand in a packet any number of times is read of it. */
export interface PacketBounds {
  readonly userProperties: number
  /** In one SUBSCRIBE or UNSUBSCRIBE. */
  readonly filters: number
}

const noBounds: PacketBounds = { userProperties: Number.POSITIVE_INFINITY, filters: Number.POSITIVE_INFINITY }

/**
 * Reads the data types of [1.5] one after the other from the body of a packet, and never beyond its end.
 *
 * Every method throws ProtocolError malformedPacket when the body ends before the value does.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #position: number
  readonly #end: number
  /** Of the packet; whoever reads it looks at them. */
  readonly bounds: PacketBounds

  constructor(bytes: Uint8Array, start: number, end: number, bounds: PacketBounds = noBounds) {
    this.bounds = bounds
    this.#bytes = bytes
    this.#position = start
    this.#end = end
  }

  get remaining(): number {
    return this.#end - this.#position
  }

  get atEnd(): boolean {
    return this.#position === this.#end
  }

  byte(): number {
    return this.#bytes[this.#advance(1)] as number
  }

  /** Two Byte Integer [1.5.2]. */
  two(): number {
    const at = this.#advance(2)
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number)
  }

  /** Four Byte Integer [1.5.3]. */
  four(): number {
    const high = this.two()
    return high * 0x1_0000 + this.two()
  }

  /**
   * Variable Byte Integer [1.5.5].
   *
   * @throws ProtocolError malformedPacket for more than four bytes, and for more than the value needs [MQTT-1.5.5-1]
   */
  variable(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0)
        throw malformedPacket("a variable byte integer is longer than its value needs")
      return value
    }
    throw malformedPacket("a variable byte integer has more than four bytes")
  }

  /** UTF-8 Encoded String [1.5.4]. */
  text(): string {
    const length = this.two()
    const start = this.#advance(length)
    return decodeUtf8(this.#bytes, start, start + length)
  }

  /** Binary Data [1.5.6], as a copy that pins no network buffer. */
  binary(): Uint8Array {
    return this.#copy(this.two())
  }

  /** Whatever is left, as a copy. */
  rest(): Uint8Array {
    return this.#copy(this.remaining)
  }

  /** A reader of the next `length` bytes; this one goes on behind them. */
  part(length: number): ByteReader {
    const start = this.#advance(length)
    return new ByteReader(this.#bytes, start, start + length, this.bounds)
  }

  #copy(length: number): Uint8Array {
    const start = this.#advance(length)
    // By way of the prototype, for the `slice` of a Buffer makes a view.
    return Uint8Array.prototype.slice.call(this.#bytes, start, start + length)
  }

  /** @returns where the bytes that are now passed begin */
  #advance(length: number): number {
    const start = this.#position
    if (length > this.#end - start) throw malformedPacket("the packet ends in the middle of a field")
    this.#position = start + length
    return start
  }
}
