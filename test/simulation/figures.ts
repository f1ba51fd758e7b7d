/** What a simulation was made of, by name, for whoever asks whether it could find anything. */
export class Figures {
  readonly #counts = new Map<string, number>()

  count(name: string, more = 1): void {
    this.#counts.set(name, this.of(name) + more)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.count(name, count)
  }

  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}
