import type { Clock } from "../foundation/clock.ts"

/** For so long, or for so many looks, a walk goes on in one go. */
const sliceMs = 2
export const mostLooks = 256
/** A look at the clock for each would cost more than it saves. */
const betweenClocks = 16

/** Says to whoever walks over a list, of a million entries maybe, when others are to have their turn. */
export class Slice {
  readonly #clock: Clock
  #looks = 0
  #endsMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One more was looked at. @returns whether the slice is over; then the next one begins */
  isOver(): boolean {
    if (this.#looks === 0) this.#endsMs = this.#clock.now() + sliceMs
    this.#looks += 1
    const isOver =
      this.#looks === mostLooks || (this.#looks % betweenClocks === 0 && this.#clock.now() >= this.#endsMs)
    if (isOver) this.#looks = 0
    return isOver
  }
}
