import type { Belt } from "../../src/client/belt.ts"
import { deafListener, type LoadClient } from "../../src/client/load-client.ts"

/** Messages on their way at a time. */
const window = 1_000

/**
 * Publishes so many messages of a belt at QoS 1. Resolves when the last one is acknowledged; the client's listener is
 * then another.
 */
export function publishAll(client: LoadClient, belt: Belt, messages: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let unsent = messages
  let waiting = 0
  const publish = () => {
    const count = Math.min(window - waiting, unsent)
    unsent -= count
    waiting += count
    belt.write(client.socket.output, count)
  }
  client.tell({
    ...deafListener,
    acknowledged: () => void (waiting -= 1),
    endOfChunk: () => {
      if (unsent === 0 && waiting === 0) return resolve()
      if (waiting <= window / 2) publish()
    },
  })
  publish()
  return promise
}
