/** Something wrong with one setting. */
export interface Problem {
  readonly key: string
  /** The sentence after the key. */
  readonly what: string
}

/** The settings cannot be used. Each problem is one line: where, which key, what is wrong and what to do. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join("\n"))
    this.name = "ConfigError"
    this.problems = problems
  }
}
