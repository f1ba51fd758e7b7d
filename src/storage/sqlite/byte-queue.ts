const smallestBytes = 64 * 1024
/** A buffer that grew beyond this in a busy moment is not kept. */
const largestIdleBytes = 16 * 1024 * 1024

/** Bytes that come at the back and leave at the front, all in one piece. */
export class ByteQueue {
  #buffer = new Uint8Array(smallestBytes)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** All of it, from the front: valid until the next call. */
  get content(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end)
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(this.length + bytes.length)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.length
  }

  drop(count: number): void {
    this.#start += count
    if (this.#start !== this.#end) return
    this.#start = 0
    this.#end = 0
    if (this.#buffer.length > largestIdleBytes) this.#buffer = new Uint8Array(smallestBytes)
  }

  #makeRoom(needed: number): void {
    const { content } = this
    // Twice what is needed, so that moving it to the front is seldom.
    if (needed * 2 > this.#buffer.length) this.#buffer = new Uint8Array(needed * 2)
    this.#buffer.set(content)
    this.#end = content.length
    this.#start = 0
  }
}
