/**
 * The store cannot be opened or cannot answer. Its message is one sentence for whoever runs the broker: what is
 * wrong, where, and what to do about it.
 */
export class StoreError extends Error {
  override readonly name = "StoreError"
  /** What is stored is broken, so `recover` may help; otherwise it is in use, foreign, or too new for us. */
  readonly damaged: boolean
  /** What is wrong and where: without the remedy where that is another one for a file that nobody serves. */
  readonly finding: string

  constructor(sentence: string, damaged = false, finding = sentence) {
    super(sentence)
    this.damaged = damaged
    this.finding = finding
  }
}

/** @param where the file, or the part of it, that is broken */
export function damage(what: string, where: string): StoreError {
  return new StoreError(
    `${what} in ${where}: stop the broker, keep a copy, then run bantam serve --recover`,
    true,
    `${what} in ${where}`,
  )
}
