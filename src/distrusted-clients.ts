import type { Trust } from "./certificates/distrust.ts"
import type { Acceptor } from "./connection/acceptor.ts"
import type { Entrance } from "./connection/entrance.ts"
import { errorText, type Log } from "./foundation/log.ts"
import type { Listener } from "./transport/socket.ts"

/** So many changes of authorities are remembered; who was let in by an earlier one is still judged by the revoked. */
const mostTrusts = 16

interface Believing {
  readonly entrance: Entrance
  /** Whom it has believed so far; the last is what it believes now. */
  readonly trusts: Trust[]
}

/**
 * Ends the connections whose certificates a listener would not take any more, once that has read its files again:
 * revoked since, or of an authority that is not trusted any more. A handshake judges by the files as they are then.
 */
export class DistrustedClients {
  readonly #acceptor: Acceptor
  readonly #log: Log
  readonly #listeners = new Map<Listener, Believing>()

  constructor(acceptor: Acceptor, log: Log) {
    this.#acceptor = acceptor
    this.#log = log
  }

  /** The listener is open. */
  opened(listener: Listener, entrance: Entrance): void {
    const trust = listener.clientTrust
    if (trust !== undefined) this.#listeners.set(listener, { entrance, trusts: [trust] })
  }

  /** The listener may have read its files again. */
  async reloaded(listener: Listener): Promise<void> {
    const believing = this.#listeners.get(listener)
    const now = listener.clientTrust
    if (believing === undefined || now === undefined) return
    const { entrance, trusts } = believing
    if (Bun.deepEquals(trusts.at(-1), now)) return
    // Of those before only who has signed counts, and that changes hardly ever.
    if (trusts.at(-1)?.authorities === now.authorities) trusts.pop()
    trusts.push(now)
    if (trusts.length > mostTrusts) trusts.shift()
    try {
      // Large, and needed by few.
      await import("./certificates/metadata.ts")
      const { distrustAfter } = await import("./certificates/distrust.ts")
      const ended = this.#acceptor.distrust(entrance, distrustAfter(trusts, trusts.at(-1) ?? now))
      if (ended > 0)
        this.#log.warn("clients were sent away with their certificates", { url: entrance.url, count: ended })
    } catch (error) {
      const why = errorText(error)
      this.#log.error("who is connected with a certificate cannot be judged again, and stays", {
        url: entrance.url,
        why,
      })
    }
  }
}
