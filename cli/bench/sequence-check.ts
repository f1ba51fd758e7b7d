/** What a message is in its lane. Above 0: newer than all before it, and 1 more than how many it skipped. */
export type Arrival = number

export const late: Arrival = 0
export const again: Arrival = -1

/** Tells what comes late or again in many lanes at once. What is older than its memory is late to it. */
export class SequenceCheck {
  readonly #last: Float64Array
  readonly #seen: Uint32Array
  readonly #memory: number

  /** @param memory how far back each lane remembers, in messages: a multiple of 32 */
  constructor(lanes: number, memory = 32) {
    this.#memory = memory
    this.#last = new Float64Array(lanes).fill(-1)
    this.#seen = new Uint32Array((lanes * memory) / 32)
  }

  /** Hot. @param place in the lane, from 0 */
  take(lane: number, place: number): Arrival {
    const last = this.#last[lane] ?? 0
    if (place > last) {
      for (let at = Math.max(last + 1, place - this.#memory + 1); at < place; at++)
        this.#mark(lane, at, false)
      this.#mark(lane, place, true)
      this.#last[lane] = place
      return place - last
    }
    if (last - place >= this.#memory) return late
    if (this.#isMarked(lane, place)) return again
    this.#mark(lane, place, true)
    return late
  }

  #mark(lane: number, place: number, isSeen: boolean): void {
    const bit = place % this.#memory
    const word = (lane * this.#memory) / 32 + (bit >> 5)
    const mask = 1 << (bit & 31)
    const before = this.#seen[word] ?? 0
    this.#seen[word] = isSeen ? before | mask : before & ~mask
  }

  #isMarked(lane: number, place: number): boolean {
    const bit = place % this.#memory
    return ((this.#seen[(lane * this.#memory) / 32 + (bit >> 5)] ?? 0) & (1 << (bit & 31))) !== 0
  }
}
