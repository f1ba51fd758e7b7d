import type { Clock, Timer } from "../foundation/clock.ts"

const roundMs = 1_000

/**
 * Visits each of many when it asked to be visited, to the second, on one round a second: ten thousand idle
 * connections with a keep alive of a minute cost a hundred visits a second, and no timer of their own (bench row idle).
 */
export class Patrol<Visited> {
  readonly #clock: Clock
  readonly #visit: (visited: Visited, nowMs: number) => number
  /** In which second each is visited next. */
  readonly #due = new Map<Visited, number>()
  /** By second. Who is forgotten leaves at once: a storm of passers-by must not be kept until its time comes. */
  readonly #rounds = new Map<number, Set<Visited>>()
  #timer: Timer

  /** @param visit says when it wants to be visited again; Infinity: not until it asks */
  constructor(clock: Clock, visit: (visited: Visited, nowMs: number) => number) {
    this.#clock = clock
    this.#visit = visit
    this.#timer = this.#schedule()
  }

  /** Asks for a visit at `atMs` or up to a second later, or earlier when one is due before. */
  comeBy(visited: Visited, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return
    const second = Math.ceil(atMs / roundMs)
    const due = this.#due.get(visited)
    if (due !== undefined) {
      if (due <= second) return
      this.#rounds.get(due)?.delete(visited)
    }
    this.#due.set(visited, second)
    const round = this.#rounds.get(second)
    if (round === undefined) this.#rounds.set(second, new Set([visited]))
    else round.add(visited)
  }

  forget(visited: Visited): void {
    const due = this.#due.get(visited)
    if (due === undefined) return
    this.#due.delete(visited)
    this.#rounds.get(due)?.delete(visited)
  }

  close(): void {
    this.#timer.cancel()
  }

  #schedule(): Timer {
    return this.#clock.at(this.#clock.now() + roundMs, () => {
      const now = this.#clock.now()
      for (const [second, round] of this.#rounds) {
        if (second * roundMs > now) continue
        this.#rounds.delete(second)
        for (const visited of round) {
          // Forgotten by a visit of this very round.
          if (this.#due.get(visited) !== second) continue
          this.#due.delete(visited)
          this.comeBy(visited, this.#visit(visited, now))
        }
      }
      this.#timer = this.#schedule()
    })
  }
}
