/** A service answered with more than we read. */
export class BodyTooLong extends Error {
  override readonly name = "BodyTooLong"
}

/**
 * Reads a body that comes from elsewhere, and lets go of it where it becomes too long.
 *
 * @throws BodyTooLong, and whatever befalls the connection
 */
export async function readBounded(response: Response, mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > mostBytes) throw new BodyTooLong(`its answer is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
