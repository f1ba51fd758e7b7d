import type { Paint } from "../output.ts"
import type { Line } from "./text-lines.ts"

/** A dump as xxd makes it: offset, bytes in pairs, and what of them is ASCII; as many bytes a line as there is room. */
export function* hexLines(bytes: Uint8Array, columns: number, paint: Paint): Generator<Line> {
  const offsetDigits = bytes.length > 0x1_0000 ? 8 : 4
  const perLine = [16, 8].find((count) => dumpColumns(count, offsetDigits) <= columns) ?? 4
  for (let at = 0; at < bytes.length; at += perLine) {
    const row = bytes.subarray(at, at + perLine)
    const offset = at.toString(16).padStart(offsetDigits, "0")
    const digits = (row.toHex().match(/.{1,4}/g) ?? []).join(" ").padEnd(digitColumns(perLine))
    const ascii = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
    yield {
      text: `${paint.dim(`${offset}:`)} ${digits}  ${paint.green(ascii.join(""))}`,
      end: at + row.length,
    }
  }
}

function digitColumns(perLine: number): number {
  return perLine * 2 + perLine / 2 - 1
}

function dumpColumns(perLine: number, offsetDigits: number): number {
  return offsetDigits + 2 + digitColumns(perLine) + 2 + perLine
}
