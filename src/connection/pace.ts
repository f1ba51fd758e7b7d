import type { Rate } from "../security/guard/rate.ts"

/** Shorter pauses would cost more than they slow: what is due meanwhile is read together after this. */
const shortestPauseMs = 20

/** How fast a client may publish: by its own measure, and by that of all connections of its user together. */
export class Pace {
  readonly #own: Rate | undefined
  readonly #shared: Rate | undefined

  private constructor(own: Rate | undefined, shared: Rate | undefined) {
    this.#own = own
    this.#shared = shared
  }

  /** Undefined: as fast as it can, so that nothing is counted. */
  static of(own: Rate | undefined, shared: Rate | undefined): Pace | undefined {
    return own === undefined && shared === undefined ? undefined : new Pace(own, shared)
  }

  /**
   * Hot. It has published a message.
   *
   * @returns how long nothing more is to be read of it; 0: read on
   */
  published(nowMs: number): number {
    const waitMs = Math.max(this.#own?.spend(nowMs) ?? 0, this.#shared?.spend(nowMs) ?? 0)
    return waitMs > 0 ? Math.max(waitMs, shortestPauseMs) : 0
  }
}
