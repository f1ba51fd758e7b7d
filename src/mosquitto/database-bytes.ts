import { type PublishPropertyFields, readPublishProperties } from "../protocol/publish-properties.ts"
import { ProtocolError } from "../protocol/protocol-error.ts"
import { decodeUtf8 } from "../protocol/utf8.ts"
import { noBytes } from "../protocol/message.ts"
import { MosquittoFileError } from "./problem.ts"

/**
 * Reads a mosquitto.db from its beginning. Numbers of 16 and 32 bits are big-endian; those of 64 bits stand as in the
 * memory of whoever wrote them, and nobody is left whose are not little-endian.
 *
 * @throws MosquittoFileError from each of its methods, with the offset of what cannot be
 */
export class DatabaseBytes {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string
  #at = 0
  #end: number

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#file = file
    this.#end = bytes.length
  }

  get at(): number {
    return this.#at
  }

  /** Bytes up to the end of the chunk, or of the file where no chunk is entered. */
  get left(): number {
    return this.#end - this.#at
  }

  /** The bytes of one chunk are all there is until `leave`. */
  enter(length: number): void {
    if (length > this.left) throw this.broken(`a chunk of ${length} bytes goes beyond the end of the file`)
    this.#end = this.#at + length
  }

  /** Goes on behind the chunk, whatever of it was read. */
  leave(): void {
    this.#at = this.#end
    this.#end = this.#bytes.length
  }

  skip(length: number): void {
    this.#take(length)
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }

  /** Seconds of Unix time, which no calendar brings beyond what a number holds. */
  seconds(): number {
    return Number(this.#view.getBigInt64(this.#take(8), true))
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#bytes.slice(start, start + length)
  }

  text(length: number): string {
    const start = this.#take(length)
    try {
      return decodeUtf8(this.#bytes, start, start + length)
    } catch (error) {
      this.#at = start
      throw this.#explained(error)
    }
  }

  /** MQTT 5 properties of a PUBLISH that fill the rest of the chunk: those that travel on. */
  properties(): Uint8Array {
    if (this.left === 0) return noBytes
    const fields: PublishPropertyFields = {
      topicAlias: 0,
      messageExpirySeconds: 0,
      properties: noBytes,
      payloadIsText: false,
    }
    try {
      this.#at = readPublishProperties(fields, this.#bytes, this.#at, this.#end, 65_535)
    } catch (error) {
      throw this.#explained(error)
    }
    return fields.properties
  }

  /** An integer of one to four bytes, seven bits each [1.5.5]. */
  variable(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw this.broken("a variable byte integer does not end")
  }

  broken(what: string): MosquittoFileError {
    return new MosquittoFileError(
      `${this.#file}: ${what}, at byte ${this.#at}; let Mosquitto write it anew (kill -USR1, or stop it) and copy it ` +
        "whole, nothing was changed",
    )
  }

  #take(length: number): number {
    if (length > this.left) throw this.broken(`it ends where ${length} more bytes must stand`)
    const start = this.#at
    this.#at += length
    return start
  }

  #explained(error: unknown): unknown {
    return error instanceof ProtocolError ? this.broken(`it is damaged (${error.message})`) : error
  }
}
