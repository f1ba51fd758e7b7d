import { harmless } from "./harmless.ts"
import { beginningOf } from "./text-of.ts"

const longestShown = 200

/** Bytes as a person reads them, in a line: text in quotes, or hexadecimal; the beginning of them when they are many. */
export function shown(bytes: Uint8Array): string {
  const more = bytes.length > longestShown ? ` and ${bytes.length - longestShown} bytes more` : ""
  const text = beginningOf(bytes, longestShown)
  if (text !== undefined && !/[\p{Cc}--[\n\t]]/v.test(text)) return `${harmless(JSON.stringify(text))}${more}`
  return `hex ${bytes.subarray(0, longestShown).toHex()}${more}`
}
