import type { PublishOutput } from "../../src/protocol/shared-publish.ts"

/** Holds all that is written to it. */
export class GrowingOutput implements PublishOutput {
  bytes = new Uint8Array(8)
  #end = 0

  append(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    const at = this.reserve(end - start)
    this.bytes.set(bytes.subarray(start, end), at)
    return at
  }

  reserve(length: number): number {
    const at = this.#end
    this.#end += length
    if (this.#end > this.bytes.length) {
      const grown = new Uint8Array(this.#end * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    return at
  }

  get written(): Uint8Array {
    return this.bytes.slice(0, this.#end)
  }
}
