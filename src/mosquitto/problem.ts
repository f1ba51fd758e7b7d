/** Something of Mosquitto's that is not carried over as it was, or was read in doubt. */
export interface Problem {
  readonly file: string
  /** Counted from 1; undefined where the file has no lines. */
  readonly line: number | undefined
  /** One sentence: what it is, and what becomes of it. */
  readonly what: string
}

/** A file cannot be read at all, so nothing is imported. The message says which, where, and what to do. */
export class MosquittoFileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "MosquittoFileError"
  }
}

/** `file:line`, as editors understand it. */
export function placeOf({ file, line }: Pick<Problem, "file" | "line">): string {
  return line === undefined ? file : `${file}:${line}`
}

/** A few of many, for a sentence. */
export function someOf(names: readonly string[]): string {
  const few = names.slice(0, 5).map((name) => JSON.stringify(name))
  return names.length <= few.length
    ? few.join(", ")
    : `${few.join(", ")} and ${names.length - few.length} more`
}
