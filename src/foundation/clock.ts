/** What a timer hands back: say `cancel()` and it will not fire. */
export interface Timer {
  cancel(): void
}

/**
 * Time as the broker sees it. Everything that waits is told the time by one of these, so a test can turn
 * the hands itself.
 */
export interface Clock {
  /** Milliseconds since 1970, by the wall. Expiries are absolute because they must survive a restart. */
  now(): number
  /** Calls once, at or shortly after `atMs` of `now()`. */
  at(atMs: number, callback: () => void): Timer
}

/** Timers beyond 2^31-1 ms fire at once in Bun, so a longer wait is made of steps. */
const longestStepMs = 0x7fff_ffff

class SteppedTimer implements Timer {
  readonly #atMs: number
  readonly #callback: () => void
  #handle: ReturnType<typeof setTimeout> | undefined

  constructor(atMs: number, callback: () => void) {
    this.#atMs = atMs
    this.#callback = callback
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(): void {
    const waitMs = Math.max(0, this.#atMs - Date.now())
    if (waitMs === Number.POSITIVE_INFINITY) return
    this.#handle = setTimeout(
      () => {
        if (Date.now() >= this.#atMs) this.#callback()
        else this.#arm()
      },
      Math.min(Math.ceil(waitMs), longestStepMs),
    )
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  at: (atMs, callback) => new SteppedTimer(atMs, callback),
}
