import type { Clock, Timer } from "../foundation/clock.ts"
import { errorText, type Log } from "../foundation/log.ts"
import type { Store } from "../storage/store.ts"

/** Whoever could not be read is read again after this. */
export const retryMs = 1_000

/**
 * What was read cannot be understood, and will not be before it is changed: to read it again is of no use. The message
 * is for people.
 */
export class UnreadableAccounts extends Error {}

/**
 * Reads something from the accounts, and again whenever they change: never twice at a time, and what changes while it
 * is read is read once more. What cannot be read then leaves everything as it was, and is tried again every second.
 *
 * @param what it is, for the log: "the access rules"
 * @returns what ends the trying
 * @throws whatever `read` throws the first time
 */
export async function followAccounts(
  store: Pick<Store, "onAccountsChanged">,
  what: string,
  clock: Clock,
  log: Log,
  read: () => Promise<void>,
): Promise<Timer> {
  const followed = new FollowedAccounts(what, clock, log, read)
  store.onAccountsChanged(() => followed.changed())
  await read()
  return { cancel: () => followed.stop() }
}

class FollowedAccounts {
  readonly #what: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #read: () => Promise<void>
  #changes = 0
  #isReading = false
  /** Told once, however often it is tried again. */
  #isBehind = false
  #retry: Timer | undefined
  #isOver = false

  constructor(what: string, clock: Clock, log: Log, read: () => Promise<void>) {
    this.#what = what
    this.#clock = clock
    this.#log = log
    this.#read = read
  }

  changed(): void {
    this.#changes += 1
    if (!this.#isReading && !this.#isOver) void this.#follow()
  }

  stop(): void {
    this.#isOver = true
    this.#retry?.cancel()
  }

  async #follow(): Promise<void> {
    this.#isReading = true
    for (let seen = -1; seen !== this.#changes && !this.#isOver;) {
      seen = this.#changes
      await this.#attempt()
    }
    this.#isReading = false
  }

  async #attempt(): Promise<void> {
    try {
      await this.#read()
      if (this.#isOver) return
      if (this.#isBehind) this.#log.info(`${this.#what} can be read again`)
      this.#isBehind = false
    } catch (error) {
      if (this.#isOver) return
      const why = errorText(error)
      const isLasting = error instanceof UnreadableAccounts
      if (isLasting || !this.#isBehind) {
        this.#log.error(`${this.#what} cannot be read; the old ones stay`, { why })
      }
      // Of what can be understood no better in a second, the next change has to make something else.
      if (isLasting) this.#isBehind = false
      else this.#tryLater()
    }
  }

  #tryLater(): void {
    this.#isBehind = true
    this.#retry ??= this.#clock.at(this.#clock.now() + retryMs, () => {
      this.#retry = undefined
      if (this.#isBehind) this.changed()
    })
  }
}
