import { assert } from "../../foundation/assert.ts"

/** What somebody has run up: it grows by one with each thing he does, and melts away with time. */
export interface Tally {
  level: number
  /** When the level was that. */
  atMs: number
  /** Until then he has to wait. */
  untilMs: number
  /** The same by the wall, as it was known when the wait began. */
  untilWallMs: number
  /** When he last did what made him wait. */
  sinceMs: number
}

/** Of so many the one with the least is let go of when there is no room. */
const looksForRoom = 8

/**
 * Tallies by name, in bounded memory. Where there is no room for one more, the one with the least of the next few in
 * the round goes: whoever fills the book with names that did little pushes out names that did little.
 */
export class TallyBook {
  readonly #tallies = new Map<string, Tally>()
  readonly #capacity: number
  readonly #meltsPerMs: number
  #round: Iterator<[string, Tally]> | undefined

  /**
   * @param capacity how many names at most
   * @param meltsPerMs how much of a level is gone after a millisecond
   */
  constructor(capacity: number, meltsPerMs: number) {
    this.#capacity = capacity
    this.#meltsPerMs = meltsPerMs
  }

  get size(): number {
    return this.#tallies.size
  }

  /** As it stands now; undefined when nothing is left of it. */
  find(name: string, nowMs: number): Tally | undefined {
    const tally = this.#tallies.get(name)
    if (tally === undefined) return undefined
    this.#melt(tally, nowMs)
    if (tally.level > 0 || tally.untilMs > nowMs) return tally
    this.#tallies.delete(name)
    return undefined
  }

  /** One more. */
  raise(name: string, nowMs: number): Tally {
    const known = this.find(name, nowMs)
    if (known !== undefined) {
      known.level += 1
      return known
    }
    if (this.#tallies.size >= this.#capacity) this.#makeRoom(nowMs)
    const tally = { level: 1, atMs: nowMs, untilMs: 0, untilWallMs: 0, sinceMs: 0 }
    this.#tallies.set(name, tally)
    return tally
  }

  forget(name: string): void {
    this.#tallies.delete(name)
  }

  #melt(tally: Tally, nowMs: number): void {
    const passedMs = Math.max(0, nowMs - tally.atMs)
    tally.level = Math.max(0, tally.level - passedMs * this.#meltsPerMs)
    tally.atMs = nowMs
  }

  #makeRoom(nowMs: number): void {
    let least = ""
    let leastLevel = Number.POSITIVE_INFINITY
    for (let looked = 0; looked < looksForRoom; looked++) {
      const [name, tally] = this.#nextInRound()
      this.#melt(tally, nowMs)
      if (tally.level >= leastLevel) continue
      least = name
      leastLevel = tally.level
    }
    this.#tallies.delete(least)
  }

  /** Goes on where it was left; a map's iterator bears that names come and go meanwhile. */
  #nextInRound(): [string, Tally] {
    let next = this.#round?.next()
    if (next === undefined || next.done === true) {
      this.#round = this.#tallies.entries()
      next = this.#round.next()
    }
    assert(next.done !== true, "room is made in a book that is full")
    return next.value
  }
}
