/** What a timer hands back: say `cancel()` and it will not fire. */
export interface Timer {
  cancel(): void
}

/**
 * Time as the broker sees it. Everything that waits is told the time by one of these, so a test can turn
 * the hands itself.
 */
export interface Clock {
  /**
   * Milliseconds of a clock that nobody can put back or forward. It begins at the time of the wall, or where the run
   * before it left off, and goes at the pace of the machine; while that sleeps it may stand still. By it is measured
   * whatever lasts, waits or expires. Whole, because it is stored.
   */
  now(): number
  /**
   * Milliseconds since 1970 by the wall, which somebody may put back or forward at any moment, by years: what a record
   * is dated by, and what others mean who write down a date, in a certificate, a token or a ban.
   */
  wall(): number
  /** Calls once, at or shortly after `atMs` of `now()`. */
  at(atMs: number, callback: () => void): Timer
}

/** Two clocks at one moment, as a store keeps them for the next run. */
export interface KeptTime {
  /** Of a `Clock`. */
  readonly nowMs: number
  readonly wallMs: number
}

/**
 * Where the clock of a run is to begin: as much later than the last one was as the wall says. So sessions and messages
 * grow older while the broker is away, and yet it does not matter to them how often and how far the wall was put back or
 * forward in an earlier run. Where it says that no time has passed, or less than none, none has. Of two dates in whole
 * milliseconds the time between may be almost one less than they differ by: what waits may come later, and not sooner.
 *
 * @param kept of the last run; undefined: there was none that kept it
 */
export function resumedMs(kept: KeptTime | undefined, wallMs: number): number {
  return kept === undefined ? wallMs : kept.nowMs + Math.max(0, wallMs - kept.wallMs - 1)
}

/** Timers beyond 2^31-1 ms fire at once in Bun, so a longer wait is made of steps. */
const longestStepMs = 0x7fff_ffff

class SteppedTimer implements Timer {
  readonly #clock: Clock
  readonly #atMs: number
  readonly #callback: () => void
  #handle: ReturnType<typeof setTimeout> | undefined

  constructor(clock: Clock, atMs: number, callback: () => void) {
    this.#clock = clock
    this.#atMs = atMs
    this.#callback = callback
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(): void {
    const waitMs = Math.max(0, this.#atMs + 1 - this.#clock.now())
    if (waitMs === Number.POSITIVE_INFINITY) return
    this.#handle = setTimeout(
      () => {
        // What is counted from a whole millisecond began up to one later (torture: crash with wills).
        if (this.#clock.now() > this.#atMs) this.#callback()
        else this.#arm()
      },
      Math.min(Math.ceil(waitMs), longestStepMs),
    )
  }
}

/** The clock of this machine. */
export class MachineClock implements Clock {
  readonly #originMs: number

  /** @param nowMs what it says at first */
  constructor(nowMs: number) {
    this.#originMs = nowMs - performance.now()
  }

  /** Hot. */
  now(): number {
    return Math.floor(this.#originMs + performance.now())
  }

  wall(): number {
    return Date.now()
  }

  at(atMs: number, callback: () => void): Timer {
    return new SteppedTimer(this, atMs, callback)
  }
}

export const systemClock: Clock = new MachineClock(Date.now())
