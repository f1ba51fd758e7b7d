/** What is shown of a flood: more than anyone reads, and less than what makes a terminal slow. */
const shownPerSecond = 1_000
/** All retained messages of a house come at once, and are to be seen. */
const shownAtOnce = 5_000
/** A long payload takes the time of several messages. */
const bytesOfOne = 4_096

/** Lets so many messages through at once and so many a second; the others pass unseen. */
export class FloodGate {
  #credit = shownAtOnce

  /** Hot. */
  admits(bytes: number): boolean {
    if (this.#credit <= 0) return false
    this.#credit -= 1 + Math.floor(bytes / bytesOfOne)
    return true
  }

  /** Time has passed. What is let through comes in a piece after it, so that messages stand beside their neighbours. */
  open(milliseconds: number): void {
    this.#credit = Math.min(this.#credit + (shownPerSecond * milliseconds) / 1000, shownAtOnce)
  }
}
