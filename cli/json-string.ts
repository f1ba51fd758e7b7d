const backslash = 0x5c

/**
 * Where the string ends that begins in a text of JSON, behind its quote. A pattern gives up on strings of some megabytes
 * and says that there are none.
 *
 * @param json valid
 * @param begin of the quote that opens it
 */
export function endOfString(json: string, begin: number): number {
  let quote = json.indexOf('"', begin + 1)
  while (isEscaped(json, quote)) quote = json.indexOf('"', quote + 1)
  return quote + 1
}

function isEscaped(json: string, at: number): boolean {
  let first = at
  while (json.charCodeAt(first - 1) === backslash) first -= 1
  return (at - first) % 2 === 1
}
