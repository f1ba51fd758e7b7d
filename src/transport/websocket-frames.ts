import { isUtf8 } from "node:buffer"

/*
 * The frames of a WebSocket [RFC 6455, section 5], as a server reads and writes them. Where a message ends means nothing
 * to MQTT [MQTT-6.0.0-2], so no message is gathered: what a frame brings is handed on as it comes.
 */

/** Close codes of section 7.4.1. */
export const closeCodes = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidPayload: 1007,
} as const

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const controlBit = 8
const finBit = 0x80
const reservedBits = 0x70
const maskBit = 0x80
/** Longest header that comes: two bytes, eight of length, four of mask. */
const longestHeader = 14
const longestControl = 125
/** Below this the loop by bytes is faster than what the other one needs before it begins. */
const longestByBytes = 64

/** Why nothing is read any more. */
export interface FramesEnd {
  /** The peer says that it closes, or breaks the protocol. */
  readonly by: "close" | "fault"
  /** What it is to be told. */
  readonly code: number
}

/** Takes frames apart, wherever they are cut. */
export class WebSocketFrames {
  /** Present when it is over; what comes afterwards is not looked at. */
  end: FramesEnd | undefined
  readonly #onPing: (payload: Uint8Array) => void
  readonly #header = new Uint8Array(longestHeader)
  /** Of the header under way. */
  #headerBytes = 0
  /** Of the payload under way. */
  #left = 0
  readonly #mask = new Uint8Array(4)
  /** Of the mask, for the next byte. */
  #maskAt = 0
  #isFragmented = false
  /** Undefined: what is under way is a stretch of the stream. */
  #control: { readonly opcode: number; readonly payload: Uint8Array; taken: number } | undefined

  constructor(onPing: (payload: Uint8Array) => void) {
    this.#onPing = onPing
  }

  /**
   * Hot. Unmasks the bytes of the stream in place, moved together.
   *
   * @returns how many of the chunk's first bytes are of the stream now
   */
  read(chunk: Uint8Array): number {
    let to = 0
    let from = 0
    while (from < chunk.length && this.end === undefined) {
      if (this.#left === 0) {
        from = this.#readHeader(chunk, from)
        continue
      }
      const length = Math.min(this.#left, chunk.length - from)
      this.#unmask(chunk, from, length)
      if (this.#control === undefined) {
        if (to !== from) chunk.copyWithin(to, from, from + length)
        to += length
      } else this.#gather(this.#control, chunk.subarray(from, from + length))
      from += length
      this.#left -= length
      if (this.#left === 0) this.#endFrame()
    }
    return to
  }

  /** @returns where the header ends, as far as it is here */
  #readHeader(chunk: Uint8Array, start: number): number {
    const header = this.#header
    let at = start
    while (at < chunk.length) {
      header[this.#headerBytes] = chunk[at] ?? 0
      this.#headerBytes += 1
      at += 1
      if (this.#headerBytes < headerLength(header, this.#headerBytes)) continue
      this.#headerBytes = 0
      this.#begin(header)
      break
    }
    return at
  }

  #begin(header: Uint8Array): void {
    const [first = 0, second = 0] = header
    const opcode = first & 0x0f
    const isFinal = (first & finBit) !== 0
    const isControl = (opcode & controlBit) !== 0
    const length = payloadLength(header)
    // Clients mask what they send, and nothing was agreed upon that would give the reserved bits a meaning [5.1, 5.2].
    if ((first & reservedBits) !== 0 || (second & maskBit) === 0) return this.#fault(closeCodes.protocolError)
    if (!Number.isSafeInteger(length)) return this.#fault(closeCodes.protocolError)
    if (isControl && (!isFinal || length > longestControl)) return this.#fault(closeCodes.protocolError)
    switch (opcode) {
      case opcodes.binary:
      case opcodes.continuation:
        if ((opcode === opcodes.continuation) !== this.#isFragmented) {
          return this.#fault(closeCodes.protocolError)
        }
        this.#isFragmented = !isFinal
        break
      case opcodes.text:
        // MQTT is sent in binary messages only [MQTT-6.0.0-1].
        return this.#fault(closeCodes.unsupportedData)
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        this.#control = { opcode, payload: new Uint8Array(length), taken: 0 }
        break
      default:
        return this.#fault(closeCodes.protocolError)
    }
    const maskStart = headerLength(header, longestHeader) - 4
    this.#mask.set(header.subarray(maskStart, maskStart + 4))
    this.#maskAt = 0
    this.#left = length
    if (length === 0) this.#endFrame()
  }

  /** Hot. */
  #unmask(chunk: Uint8Array, start: number, length: number): void {
    const mask = this.#mask
    let maskAt = this.#maskAt
    let at = start
    const end = start + length
    if (length > longestByBytes) {
      while (((chunk.byteOffset + at) & 3) !== 0) {
        chunk[at] = (chunk[at] ?? 0) ^ (mask[maskAt] ?? 0)
        at += 1
        maskAt = (maskAt + 1) & 3
      }
      const words = new Uint32Array(chunk.buffer, chunk.byteOffset + at, (end - at) >> 2)
      const wordMask = wordOf(mask, maskAt)
      for (let index = 0; index < words.length; index++) words[index] = (words[index] ?? 0) ^ wordMask
      at += words.length << 2
    }
    for (; at < end; at++) {
      chunk[at] = (chunk[at] ?? 0) ^ (mask[maskAt] ?? 0)
      maskAt = (maskAt + 1) & 3
    }
    this.#maskAt = maskAt
  }

  #gather(control: { readonly payload: Uint8Array; taken: number }, bytes: Uint8Array): void {
    control.payload.set(bytes, control.taken)
    control.taken += bytes.length
  }

  /** A frame has come to its end: what is no stretch of the stream is told. */
  #endFrame(): void {
    if (this.#control === undefined) return
    const { opcode, payload } = this.#control
    this.#control = undefined
    if (opcode === opcodes.ping) this.#onPing(payload)
    else if (opcode === opcodes.close) this.end = { by: "close", code: echoOf(payload) }
  }

  #fault(code: number): void {
    this.end = { by: "fault", code }
  }
}

/** A close is answered with the code that came, if it is one that may come [7.4], whole, and before a text [5.5.1]. */
function echoOf(payload: Uint8Array): number {
  const [high, low] = payload
  if (high === undefined) return closeCodes.normal
  if (low === undefined) return closeCodes.protocolError
  const code = high * 256 + low
  const isOfStandard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)
  if (!isOfStandard && (code < 3000 || code >= 5000)) return closeCodes.protocolError
  return isUtf8(payload.subarray(2)) ? code : closeCodes.invalidPayload
}

/** @param known how many of its bytes are there; at least one */
function headerLength(header: Uint8Array, known: number): number {
  if (known < 2) return 2
  const second = header[1] ?? 0
  const short = second & 0x7f
  return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + ((second & maskBit) === 0 ? 0 : 4)
}

/** @returns no safe integer for a length that nobody can mean */
function payloadLength(header: Uint8Array): number {
  const view = new DataView(header.buffer)
  const short = (header[1] ?? 0) & 0x7f
  if (short < 126) return short
  return short === 126 ? view.getUint16(2) : view.getUint32(2) * 2 ** 32 + view.getUint32(6)
}

/** The four bytes of a mask, turned so that `first` comes first, as one word of this machine. */
function wordOf(mask: Uint8Array, first: number): number {
  const turned = new Uint8Array(4)
  for (let index = 0; index < 4; index++) turned[index] = mask[(first + index) & 3] ?? 0
  return new Uint32Array(turned.buffer)[0] ?? 0
}

/** Room that a header of ours takes at most: nothing is masked on its way to a client. */
export const longestOwnHeader = 4
/** The longest payload that such a header can tell. */
export const longestOwnPayload = 65_535

/**
 * Writes the header of a frame that is a message of its own.
 *
 * @param length up to `longestOwnPayload`
 * @returns how many bytes the header has
 */
export function writeHeader(into: Uint8Array, kind: "binary" | "close" | "pong", length: number): number {
  into[0] = finBit | opcodes[kind]
  if (length < 126) {
    into[1] = length
    return 2
  }
  into[1] = 126
  into[2] = length >> 8
  into[3] = length & 0xff
  return 4
}
