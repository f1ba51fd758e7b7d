import { closeSync, openSync } from "node:fs"
import { libc } from "./libc.ts"

/** Of flock(2). */
const exclusively = 2

/**
 * Runs something that no two processes are to run at once about the same folder; whoever comes second waits, and a
 * crash lets go. Nothing is awaited within, so that no process waits for itself. Where the system has no such lock, it
 * is run without.
 */
export function withFolderLocked<Result>(folder: string, run: () => Result): Result {
  const library = libc()
  if (library === undefined) return run()
  const descriptor = openSync(folder, "r")
  try {
    library.flock(descriptor, exclusively)
    return run()
  } finally {
    closeSync(descriptor)
  }
}
