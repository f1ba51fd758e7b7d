/** So many are looked at before others have their turn: a millisecond or two of work. */
export const looksPerSlice = 256

/**
 * A list as JSON, an object a line, made as it is read: in slices, so that a million of them stop nobody else, and
 * whoever reads slowly fills no buffer.
 *
 * @param facts undefined for what was looked at and is not in the list
 * @param soon runs after what this turn has brought
 */
export function listing(
  facts: Iterator<object | undefined>,
  soon: (run: () => void) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      for (;;) {
        const { text, done } = slice(facts)
        if (text !== "") controller.enqueue(encoder.encode(text))
        if (done) return controller.close()
        await new Promise<void>((go) => soon(go))
        // What does not fit the query is no reason to be asked again.
        if (text !== "") return
      }
    },
    cancel: () => void facts.return?.(),
  })
}

function slice(facts: Iterator<object | undefined>): { text: string; done: boolean } {
  let text = ""
  for (let looked = 0; looked < looksPerSlice; looked++) {
    const { value, done } = facts.next()
    if (done === true) return { text, done: true }
    if (value !== undefined) text += `${JSON.stringify(value)}\n`
  }
  return { text, done: false }
}
