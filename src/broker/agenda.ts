import { ChurnMap } from "../foundation/churn-map.ts"
import type { Clock, Timer } from "../foundation/clock.ts"

interface Entry {
  readonly atMs: number
  readonly key: string
}

/** For how long dates fall due in one go. Others have their turn before the next ones do. */
const sliceMs = 2

/**
 * What is due when, by key, behind a single timer: session expiries and delayed wills by the hundred
 * thousand cost one heap entry each and no closure. A key has one date; setting it again moves it.
 */
export class Agenda {
  readonly #clock: Clock
  readonly #due: (key: string) => void
  readonly #dates = new ChurnMap<string, number>()
  #heap: Entry[] = []
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock
    this.#due = due
  }

  /** @param atMs absolute time; Infinity means never, which is the same as `clear` */
  set(key: string, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return this.clear(key)
    if (this.#dates.get(key) === atMs) return
    this.#dates.set(key, atMs)
    this.#push({ atMs, key })
    this.#compact()
    this.#arm()
  }

  clear(key: string): void {
    this.#dates.delete(key)
  }

  dateOf(key: string): number | undefined {
    return this.#dates.get(key)
  }

  /** Forgets everything; nothing fires any more. */
  close(): void {
    this.#timer?.cancel()
    this.#dates.clear()
    this.#heap = []
  }

  #fire(): void {
    this.#timer = undefined
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= now; next = this.#heap[0]) {
      // Ten thousand sessions that expire together would stop everybody for a tenth of a second (bench:scale stalls).
      if (this.#clock.now() >= now + sliceMs) break
      this.#pop()
      // A heap entry whose date was moved or cleared since is only a leftover.
      if (this.#dates.get(next.key) !== next.atMs) continue
      this.#dates.delete(next.key)
      this.#due(next.key)
    }
    this.#arm()
  }

  #arm(): void {
    const next = this.#heap[0]
    if (next === undefined || next.atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = next.atMs
    this.#timer = this.#clock.at(next.atMs, () => this.#fire())
  }

  /** Leftovers of moved dates must not outgrow the dates themselves. */
  #compact(): void {
    if (this.#heap.length <= 64 + 2 * this.#dates.size) return
    this.#heap = []
    for (const [key, atMs] of this.#dates) this.#push({ atMs, key })
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || above.atMs <= entry.atMs) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      let below = heap[child]
      if (below === undefined) break
      const right = heap[child + 1]
      if (right !== undefined && right.atMs < below.atMs) {
        child += 1
        below = right
      }
      if (below.atMs >= last.atMs) break
      heap[index] = below
      index = child
    }
    heap[index] = last
  }
}
