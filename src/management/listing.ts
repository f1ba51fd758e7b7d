import type { Clock } from "../foundation/clock.ts"
import { Slice } from "./slice.ts"

/**
 * A list as JSON, an object a line, made as it is read: in slices, so that a million of them stop nobody else, and
 * whoever reads slowly fills no buffer.
 *
 * @param facts undefined for what was looked at and is not in the list
 * @param soon runs after what this turn has brought
 */
export function listing(
  facts: Iterator<object | undefined>,
  clock: Clock,
  soon: (run: () => void) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const slice = new Slice(clock)
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      for (;;) {
        const { text, done } = linesOf(facts, slice)
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

function linesOf(facts: Iterator<object | undefined>, slice: Slice): { text: string; done: boolean } {
  let text = ""
  do {
    const { value, done } = facts.next()
    if (done === true) return { text, done: true }
    if (value !== undefined) text += `${JSON.stringify(value)}\n`
  } while (!slice.isOver())
  return { text, done: false }
}
