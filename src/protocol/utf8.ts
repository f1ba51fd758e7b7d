import { malformedPacket } from "./protocol-error.ts"

// Both options guard the wire: ill-formed bytes must not become U+FFFD, and U+FEFF must not vanish [MQTT-1.5.4-3].
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// A Buffer's own way from bytes to text, borrowed for arrays that are no Buffer: for ASCII the fastest there is.
const asciiSlice: (this: Uint8Array, start: number, end: number) => string = Buffer.prototype.latin1Slice

/**
 * Hot. The text of a UTF-8 Encoded String, its two length bytes not included [1.5.4].
 *
 * @throws ProtocolError malformedPacket for ill-formed UTF-8, surrogates among it [MQTT-1.5.4-1], and for U+0000
 *   [MQTT-1.5.4-2]; control characters and non-characters, which the specification leaves to the receiver, pass
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let isAscii = true
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number
    if (byte === 0) throw malformedPacket("U+0000 in a text [MQTT-1.5.4-2]")
    if (byte >= 0x80) isAscii = false
  }
  return isAscii ? asciiSlice.call(bytes, start, end) : decodeStrictly(bytes.subarray(start, end))
}

function decodeStrictly(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    // The decoder throws for nothing but ill-formed input, and says no more than that.
    throw malformedPacket("a text is not well-formed UTF-8 [MQTT-1.5.4-1]")
  }
}
