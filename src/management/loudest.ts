/** The so many heaviest of any number of things: twice as many are held at most, and sorted now and then. */
export class Loudest<Thing> {
  readonly #most: number
  readonly #weightOf: (thing: Thing) => number
  #held: Thing[] = []

  constructor(most: number, weightOf: (thing: Thing) => number) {
    this.#most = most
    this.#weightOf = weightOf
  }

  add(thing: Thing): void {
    this.#held.push(thing)
    if (this.#held.length >= 2 * this.#most) this.#held = [...this.sorted()]
  }

  /** The heaviest first. */
  sorted(): readonly Thing[] {
    return this.#held
      .toSorted((one, other) => this.#weightOf(other) - this.#weightOf(one))
      .slice(0, this.#most)
  }
}
