import type { Publish } from "../../src/protocol/packet.ts"

/** What has come for one client and no step has asked for yet, in its order. */
export class Inbox {
  readonly #messages: Publish[] = []
  #came: PromiseWithResolvers<void> | undefined

  readonly take = (message: Publish): void => {
    // The bytes belong to the connection and are used again.
    this.#messages.push({ ...message, payload: Uint8Array.from(message.payload) })
    this.#came?.resolve()
    this.#came = undefined
  }

  /** The first message that is wanted is taken out of it. @returns undefined when none came in time */
  async next(isWanted: (message: Publish) => boolean, withinMs: number): Promise<Publish | undefined> {
    const late = Promise.withResolvers<"late">()
    const timer = setTimeout(() => late.resolve("late"), withinMs)
    try {
      for (;;) {
        const index = this.#messages.findIndex(isWanted)
        if (index >= 0) return this.#messages.splice(index, 1)[0]
        this.#came ??= Promise.withResolvers<void>()
        if ((await Promise.race([this.#came.promise, late.promise])) === "late") return undefined
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** What is left, for a person who wonders. */
  get left(): readonly Publish[] {
    return this.#messages
  }
}
