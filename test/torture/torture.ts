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

  /** A line about how far it is. */
  tell(line: string): void
  /** States what was done or measured: the last word counts. The name says the unit, as in `longest delay (ms)`. */
  figure(name: string, value: number): void
  /** Adds to a figure. */
  count(name: string, more?: number): void
  /** States what was measured and must not be more than `most`. */
  bounded(name: string, value: number, most: number): void
  /** The same of a time: short trials share their machine with other tests, and only state it. */
  timed(name: string, value: number, most: number): void
  /** A promise is broken. */
  wrong(what: string): void
}
