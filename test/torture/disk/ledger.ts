/** What may stand where nothing was ever told. */
const nothing: readonly string[] = [""]

interface Note {
  /** Length of the disk's journal when this was known. */
  readonly position: number
  readonly allowed: readonly string[]
}

/**
 * What a store may hold, as its clients know it: by key, such as `retained/a`, the values that may stand there, "" for
 * none. What was asked for and not acknowledged may stand there already; what was acknowledged must, and nothing else.
 */
export class Ledger {
  readonly #notes = new Map<string, Note[]>()
  readonly #position: () => number
  readonly #broken: string[] = []
  #acknowledged = 0

  /** @param position how long the journal is now */
  constructor(position: () => number) {
    this.#position = position
  }

  /** How many promises were made. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** It was asked for, or it may go away: from now on these may stand there. */
  asked(key: string, ...allowed: readonly string[]): void {
    this.#note(key, allowed)
  }

  /** From now on nothing else may stand there. */
  promised(key: string, ...allowed: readonly string[]): void {
    this.#acknowledged += 1
    this.#note(key, allowed)
  }

  /** A client was told what it must not be told. */
  broken(what: string): void {
    this.#broken.push(what)
  }

  allowedNow(key: string): readonly string[] {
    return this.#notes.get(key)?.at(-1)?.allowed ?? nothing
  }

  /**
   * @param found what a store holds, by key
   * @param position of the journal where its disk was cut off
   * @returns what is wrong with it, and what clients were told wrong
   */
  wrong(found: ReadonlyMap<string, string>, position: number): string[] {
    const wrong = [...this.#broken]
    for (const [key, notes] of this.#notes) {
      const allowed = notes.findLast((note) => note.position <= position)?.allowed ?? nothing
      const value = found.get(key) ?? ""
      if (!allowed.includes(value))
        wrong.push(`${key} is "${value}" and not ${allowed.map((each) => `"${each}"`).join(" or ")}`)
    }
    for (const [key, value] of found) {
      if (!this.#notes.has(key)) wrong.push(`${key} is "${value}", and nobody asked for it`)
    }
    return wrong
  }

  #note(key: string, allowed: readonly string[]): void {
    const note = { position: this.#position(), allowed }
    const notes = this.#notes.get(key)
    if (notes === undefined) this.#notes.set(key, [note])
    else notes.push(note)
  }
}
