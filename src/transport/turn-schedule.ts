/** What waits for the end of a turn of the event loop. */
export interface EndOfTurn {
  /** May not throw: others wait behind it. */
  endOfTurn(): void
}

/** Collects what wants to be called once when the sockets of this turn have all been read. */
export interface FlushSchedule {
  add(waiting: EndOfTurn): void
}

/**
 * One `setImmediate` for everybody. Bun runs it after the last socket of a poll, while microtasks run after each
 * socket: so what a hundred publishers cause for one subscriber leaves in one write.
 */
class TurnSchedule implements FlushSchedule {
  #waiting: EndOfTurn[] = []
  #spare: EndOfTurn[] = []
  #armed = false
  readonly #run = (): void => {
    this.#armed = false
    const waiting = this.#waiting
    this.#waiting = this.#spare
    for (const one of waiting) one.endOfTurn()
    waiting.length = 0
    this.#spare = waiting
  }

  /** Hot. */
  add(waiting: EndOfTurn): void {
    this.#waiting.push(waiting)
    if (this.#armed) return
    this.#armed = true
    setImmediate(this.#run)
  }
}

/** The turns of this process's event loop. */
export const endOfTurn: FlushSchedule = new TurnSchedule()
