import { readdirSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/*
 * Whatever takes time to write is written under a name of its own, a draft, and gets its name when it is whole.
 */

/** Nobody who is at work leaves his draft alone for so long. */
const staleMs = 60_000

/** Under which name this process writes what becomes the file. */
export function draftOf(file: string): string {
  return `${file}.${process.pid}.new`
}

/** Under which name is written what is saved of a store that is damaged or was removed. Only for whoever has the directory. */
export function savedDraft(file: string): string {
  return `${file}.saved`
}

/** With all that SQLite may have laid beside it. */
export function removeDraft(draft: string): void {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(`${draft}${suffix}`, { force: true })
}

/** What a killed process has left, each as large as a store; a disk would fill up with them. */
export function removeStaleDrafts(file: string): void {
  for (const name of readdirSync(dirname(file))) {
    const [, processId] = /^\.(\d+)\.new(?:-\w+)?$/.exec(name.slice(basename(file).length)) ?? []
    if (!name.startsWith(basename(file)) || processId === undefined || isAlive(Number(processId))) continue
    const path = join(dirname(file), name)
    // A process may live where we cannot see it, in another container: then it writes.
    const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    if (Date.now() - writtenMs > staleMs) rmSync(path, { force: true })
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch (error) {
    return !hasCode(error, ["ESRCH"])
  }
}

export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code))
}
