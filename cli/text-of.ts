const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** @returns undefined when the bytes are not UTF-8 */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    // The decoder throws for nothing but ill-formed input.
    return undefined
  }
}

/**
 * The same of the first bytes of a longer text: a character that is cut off at the end is left out.
 *
 * @param length of the beginning, in bytes
 */
export function beginningOf(bytes: Uint8Array, length: number): string | undefined {
  if (bytes.length <= length) return textOf(bytes)
  try {
    // One of its own, for it keeps the bytes of the character that is cut off.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length), {
      stream: true,
    })
  } catch {
    return undefined
  }
}

/** @returns undefined when the bytes are no JSON */
export function jsonOf(bytes: Uint8Array): { readonly value: unknown } | undefined {
  const text = textOf(bytes)
  if (text === undefined) return undefined
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
