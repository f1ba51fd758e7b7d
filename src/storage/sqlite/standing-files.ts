import { type Stats, statSync } from "node:fs"
import { hasCode } from "./drafts.ts"

interface Standing {
  readonly path: string
  readonly device: number
  readonly inode: number
}

/**
 * Files that must stay in their places while they are written. One that is removed takes all that is written to it from
 * then on with it, and the system calls that a success.
 */
export class StandingFiles {
  readonly #files: readonly Standing[]

  /** @param paths of those that are not there now, nothing is known */
  constructor(paths: readonly string[]) {
    this.#files = paths.flatMap((path) => {
      const found = look(path)
      return found === undefined ? [] : [{ path, device: found.dev, inode: found.ino }]
    })
  }

  /** Costs a few microseconds. @returns the first that is not there any more, or is another one */
  missing(): string | undefined {
    for (const file of this.#files) if (!stands(file)) return file.path
    return undefined
  }

  /** Those that are still the same. */
  standing(): readonly string[] {
    return this.#files.filter(stands).map(({ path }) => path)
  }
}

/** What cannot be looked at is not known to be gone: its folder may be closed to us, or its disk away for a moment. */
function stands({ path, device, inode }: Standing): boolean {
  try {
    const found = look(path)
    return found?.ino === inode && found.dev === device
  } catch (error) {
    return !hasCode(error, ["ENOTDIR"])
  }
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
