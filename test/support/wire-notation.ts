/**
 * Bytes as the tables of the tests write them: pairs of hexadecimal digits, and between quotes text for its UTF-8
 * bytes. Spaces are for the eye: `30 05 0003'a/b'`.
 */
export function bytesOf(notation: string): Uint8Array<ArrayBuffer> {
  const hex = notation.replace(/'([^']*)'/g, (_, text: string) => Buffer.from(text).toString("hex"))
  return Uint8Array.fromHex(hex.replaceAll(" ", ""))
}

/** A whole packet: its first byte, the remaining length of the body, and the body. */
export function frame(firstByte: string, body: string): string {
  const length = bytesOf(body).length
  if (length > 0x3fff) throw new Error("longer than two bytes of remaining length can say")
  const remainingLength = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return `${firstByte} ${Buffer.from(remainingLength).toString("hex")} ${body}`
}
