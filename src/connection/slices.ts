import { Fifo } from "../foundation/fifo.ts"

/** As many as take two or three milliseconds: others wait no longer than that (bench:scale logins). */
const mostPerTurn = 32

/**
 * Lets so many go on in one turn of the event loop. When a thousand devices come back together, the answers about them
 * come together too, and whoever is connected should not feel it.
 */
export class Slices {
  readonly #soon: (run: () => void) => void
  readonly #waiting = new Fifo<() => void>()
  #gone = 0

  /** @param soon runs after what this turn has brought */
  constructor(soon: (run: () => void) => void) {
    this.#soon = soon
  }

  /** @returns undefined: now; else what to wait for */
  turn(): Promise<void> | undefined {
    if (this.#gone === 0) this.#soon(this.#next)
    if (this.#gone < mostPerTurn) {
      this.#gone += 1
      return undefined
    }
    return new Promise((go) => this.#waiting.push(go))
  }

  readonly #next = (): void => {
    this.#gone = 0
    for (let go = this.#waiting.shift(); go !== undefined; go = this.#waiting.shift()) {
      go()
      this.#gone += 1
      if (this.#gone === mostPerTurn) break
    }
    if (this.#gone > 0) this.#soon(this.#next)
  }
}
