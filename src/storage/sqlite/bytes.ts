/** Appends numbers and bytes to a buffer that grows; little-endian, like every machine we run on. */
export class ByteWriter {
  #bytes: Buffer<ArrayBuffer>
  #view: DataView<ArrayBuffer>
  #length = 0

  constructor(buffer = new ArrayBuffer(4096)) {
    this.#bytes = Buffer.from(buffer)
    this.#view = new DataView(buffer)
  }

  get length(): number {
    return this.#length
  }

  /** What was written, still in the writer's buffer: valid until the next write. */
  get written(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer, 0, this.#length)
  }

  uint8(value: number): void {
    const offset = this.#advance(1)
    this.#view.setUint8(offset, value)
  }

  uint32(value: number): void {
    const offset = this.#advance(4)
    this.#view.setUint32(offset, value, true)
  }

  /** Overwrites four bytes that were written before: for a length that is known only afterwards. */
  uint32At(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true)
  }

  float64(value: number): void {
    const offset = this.#advance(8)
    this.#view.setFloat64(offset, value, true)
  }

  /** The bytes alone, for a reader who knows how many. */
  bytes(bytes: Uint8Array): void {
    const offset = this.#advance(bytes.length)
    this.#bytes.set(bytes, offset)
  }

  /** The length, then the bytes. */
  sized(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    this.bytes(bytes)
  }

  text(text: string): void {
    const offset = this.#advance(4)
    // Three bytes are the most that one UTF-16 unit can become.
    const start = this.#advance(text.length * 3)
    const length = this.#bytes.write(text, start, "utf8")
    this.uint32At(offset, length)
    this.#length = start + length
  }

  /** Makes room, which may replace the buffer: so it comes before any look at the buffer. */
  #advance(count: number): number {
    const offset = this.#length
    const needed = offset + count
    if (needed > this.#bytes.length) this.#grow(needed)
    this.#length = needed
    return offset
  }

  #grow(needed: number): void {
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.#bytes.length * 2)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads what a ByteWriter wrote. Beyond the end each method throws a RangeError. */
export class ByteReader {
  readonly #bytes: Uint8Array
  /** The same, to read text from: its `slice` is none that copies. */
  readonly #texts: Buffer
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#offset
  }

  get left(): number {
    return this.#bytes.length - this.#offset
  }

  skip(count: number): void {
    this.#advance(count)
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  float64(): number {
    return this.#view.getFloat64(this.#advance(8), true)
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const offset = this.#advance(length)
    return this.#bytes.subarray(offset, offset + length)
  }

  /** A view of what was passed already, not a copy. */
  bytesAt(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length)
  }

  /** A copy of what was passed already. */
  copyAt(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(offset, offset + length)
  }

  /** A view, not a copy. */
  sized(): Uint8Array {
    return this.bytes(this.uint32())
  }

  text(): string {
    return this.textOf(this.uint32())
  }

  textOf(length: number): string {
    const offset = this.#advance(length)
    return this.#texts.toString("utf8", offset, offset + length)
  }

  /** Whether the next bytes, so many of them, are these. */
  isAhead(bytes: Uint8Array, length: number): boolean {
    if (bytes.length !== length || this.left < length) return false
    // From the back: topics differ there.
    for (let index = length - 1; index >= 0; index--) {
      if (bytes[index] !== this.#bytes[this.#offset + index]) return false
    }
    return true
  }

  #advance(count: number): number {
    const offset = this.#offset
    if (offset + count > this.#bytes.length) throw new RangeError("the record ends too early")
    this.#offset = offset + count
    return offset
  }
}
