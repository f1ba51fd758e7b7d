import { Fifo } from "../../foundation/fifo.ts"

/** Lets a few do their work at once, and the others wait for their turn: so many, and no more. */
export class Turnstile {
  readonly #atOnce: number
  readonly #maximumWaiting: number
  readonly #waiting = new Fifo<() => void>()
  #running = 0

  constructor(limits: { readonly atOnce: number; readonly waiting: number }) {
    this.#atOnce = limits.atOnce
    this.#maximumWaiting = limits.waiting
  }

  /** @returns undefined when too many wait already */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.size >= this.#maximumWaiting) return undefined
      // Whoever finishes hands its place over, so nobody who comes later slips in between.
      await new Promise<void>((turn) => this.#waiting.push(turn))
    } else {
      this.#running += 1
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
