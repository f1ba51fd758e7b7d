/** One way to torment the broker, and what must hold all the while. */
export interface Torture {
  /** Two words or three, such as `crash working`; the first is its class. */
  readonly name: string
  /** What must hold, in a sentence. */
  readonly promise: string
  /** @throws when it cannot be tried at all; what the broker does wrong is told to the trial */
  run(trial: Trial): Promise<void>
}

/** Short: within seconds, for the test command. Long: for figures to be stated, and for bounds of time. */
export type Effort = "short" | "long"

/** What a torture is told, and what it tells. */
export interface Trial {
  readonly effort: Effort
  /** Whatever is left to chance follows from it. */
  readonly seed: number
  /** The compiled broker. */
  readonly executable: string

  /** A line about how far it is. @throws Error when the trial is over, so that whoever was too late ends as well */
  tell(line: string): void
  /** States what was done or measured: the last word counts. The name says the unit, as in `longest delay (ms)`. */
  figure(name: string, value: number): void
  /** Adds to a figure. */
  count(name: string, more?: number): void
  /** States what was measured and must not be more than `most`. Stated again, the largest value stays. */
  bounded(name: string, value: number, most: number): void
  /** The same of a time: short trials share their machine with other tests, and only state it. */
  timed(name: string, value: number, most: number): void
  /**
   * States what was done: less than `least`, and the promise was hardly tried. It is a count that the torture itself
   * decides; where time does, far less than is usual, for machines are slow. Stated again, the smallest value stays.
   */
  atLeast(name: string, value: number, least: number): void
  /**
   * Something that is needed is not there, so this was not tried, or not all of it: that is wrong in a long trial, and
   * stated in a short one. Neither is a promise kept.
   *
   * @param why in a few words, such as `no gcc`
   */
  skipped(why: string): void
  /** A promise is broken. */
  wrong(what: string): void
}
