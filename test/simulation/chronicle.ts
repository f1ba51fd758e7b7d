/** The broker broke a promise. */
export class Violation extends Error {
  override readonly name = "Violation"
}

/** What happened last, for whoever has to find out how it came to this. */
export class Chronicle {
  readonly #kept: number
  #events: string[] = []
  #step = 0

  /** @param kept so many events are remembered */
  constructor(kept: number) {
    this.#kept = kept
  }

  get step(): number {
    return this.#step
  }

  nextStep(): void {
    this.#step += 1
  }

  tell(event: string): void {
    this.#events.push(`${String(this.#step).padStart(5)} ${event}`)
    if (this.#events.length > 2 * this.#kept) this.#events = this.#events.slice(-this.#kept)
  }

  /** @throws Violation unless it holds */
  check(holds: boolean, otherwise: string): asserts holds {
    if (!holds) this.blame(otherwise)
  }

  /** @throws Violation */
  blame(what: string): never {
    this.tell(`VIOLATION: ${what}`)
    throw new Violation(what)
  }

  toString(): string {
    return this.#events.slice(-this.#kept).join("\n")
  }
}
