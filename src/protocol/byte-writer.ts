import { assert } from "../foundation/assert.ts"

const initialCapacity = 256
const longestVariable = 0xfff_ffff

/** Writes the data types of [1.5] one after the other into an array that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(initialCapacity)
  #length = 0

  /** How many bytes are written. */
  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  /** Two Byte Integer [1.5.2]. */
  two(value: number): void {
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
  }

  /** Four Byte Integer [1.5.3]. */
  four(value: number): void {
    this.two(value >>> 16)
    this.two(value & 0xffff)
  }

  /** Variable Byte Integer [1.5.5]. */
  variable(value: number): void {
    assert(value <= longestVariable, "a variable byte integer holds no more than 268,435,455")
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  /** UTF-8 Encoded String [1.5.4]. */
  text(text: string): void {
    this.binary(Buffer.from(text))
  }

  /** Binary Data [1.5.6]. */
  binary(bytes: Uint8Array): void {
    assert(bytes.length <= 0xffff, "a text or binary field holds no more than 65,535 bytes")
    this.two(bytes.length)
    this.raw(bytes)
  }

  /** The bytes alone, without their length. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Puts the length of all that was written since `start` in front of it, as a Variable Byte Integer. */
  prefixLength(start: number): void {
    const end = this.#length
    const length = end - start
    // Written behind first, which makes the room; then both parts change places.
    this.variable(length)
    const prefix = this.#bytes.slice(end, this.#length)
    this.#bytes.copyWithin(start + prefix.length, start, end)
    this.#bytes.set(prefix, start)
  }

  /** All that was written, in an array of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  /** @returns where the bytes that are now taken begin */
  #reserve(length: number): number {
    const start = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return start
  }
}
