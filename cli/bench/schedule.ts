/**
 * When the messages of an open loop are due, in microseconds of a clock: at even intervals, whatever becomes of those
 * before them.
 */
export class Schedule {
  readonly #intervalMicroseconds: number
  readonly #total: number
  #startMicroseconds = 0
  #called = 0

  /** @param total how many there are; Infinity for as many as there is time for */
  constructor(perSecond: number, total: number) {
    this.#intervalMicroseconds = 1e6 / perSecond
    this.#total = total
  }

  /** The first one is due at that time. To be told before anything is asked. */
  begin(atMicroseconds: number): void {
    this.#startMicroseconds = atMicroseconds
  }

  dueAt(number: number): number {
    return this.#startMicroseconds + number * this.#intervalMicroseconds
  }

  /** When the next one that was not called will be; Infinity after the last one. */
  get nextAt(): number {
    return this.#called < this.#total ? this.dueAt(this.#called) : Infinity
  }

  /** Hot. Calls each message that has become due, once and in order. */
  call(nowMicroseconds: number, due: (number: number) => void): void {
    while (this.nextAt <= nowMicroseconds) due(this.#called++)
  }
}

/** How many of `total` messages fall to one of those who take turns. */
export function quotaOf(total: number, index: number, parties: number): number {
  return total === Infinity ? Infinity : Math.max(0, Math.ceil((total - index) / parties))
}
