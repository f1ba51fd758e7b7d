/** Latencies in classes a thirty-second apart, so a percentile is right to 3 %; from a microsecond to an hour. */
export class Latencies {
  readonly #counts = new Uint32Array(32 * 33)
  #count = 0
  #maximumUs = 0

  /** Hot. */
  add(milliseconds: number): void {
    const microseconds = Math.max(0, milliseconds * 1000)
    const index = classOf(microseconds)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#count += 1
    if (microseconds > this.#maximumUs) this.#maximumUs = microseconds
  }

  get count(): number {
    return this.#count
  }

  get maximumMs(): number {
    return this.#maximumUs / 1000
  }

  /** @param share such as 0.99 @returns milliseconds */
  percentile(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (const [index, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(upperEnd(index), this.#maximumUs) / 1000
    }
    return this.maximumMs
  }
}

function classOf(microseconds: number): number {
  if (microseconds < 32) return Math.floor(microseconds)
  const octave = Math.floor(Math.log2(microseconds)) - 5
  return Math.min(32 * 33 - 1, 32 * (octave + 1) + Math.floor(microseconds / 2 ** octave) - 32)
}

function upperEnd(index: number): number {
  if (index < 32) return index + 1
  return ((index % 32) + 33) * 2 ** (Math.floor(index / 32) - 1)
}
