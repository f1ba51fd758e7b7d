import { CommandError } from "./output.ts"

/** The longest payload that fits into any packet [2.1.4]. */
export const longestLineBytes = 268_435_455

const newline = 0x0a

/**
 * The lines of a stream as bytes, without their newlines, of any length that fits into a packet; the last one may lack
 * its newline. Asks for more only when the line before was taken.
 *
 * @throws CommandError for a line that is too long
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = []
  let begunBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end)
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      begunBytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    begun.push(chunk.subarray(start))
    begunBytes += chunk.length - start
    if (begunBytes > longestLineBytes) {
      throw new CommandError(`a line is longer than ${longestLineBytes} bytes, the most a message can hold`)
    }
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}
