/** Counts messages, for who waits for some of them: those that came since the last wait count for the next. */
export class Arrivals {
  #total = 0
  #taken = 0
  #awaited: { readonly total: number; readonly resolve: () => void } | undefined

  get total(): number {
    return this.#total
  }

  /** Hot. */
  count(): void {
    this.#total += 1
    if (this.#awaited !== undefined && this.#total >= this.#awaited.total) this.#awaited.resolve()
  }

  /** One at a time. @returns false when they have not come in time */
  async wait(messages: number, withinMs: number): Promise<boolean> {
    const total = this.#taken + messages
    if (this.#total < total) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#awaited = { total, resolve }
      const timer = setTimeout(resolve, withinMs)
      await promise
      clearTimeout(timer)
      this.#awaited = undefined
    }
    const came = this.#total >= total
    this.#taken = came ? total : this.#total
    return came
  }
}
