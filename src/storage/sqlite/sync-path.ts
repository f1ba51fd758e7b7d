import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { errorText } from "../../foundation/log.ts"
import { StoreError } from "../store-error.ts"

/**
 * Whatever has been written to the file, or renamed in the folder, outlives a power cut from here on.
 *
 * @throws StoreError the disk does not take it
 */
export function syncPath(path: string): void {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } catch (error) {
    // The system does not say of which file.
    const why = errorText(error)
    throw new StoreError(`${path}: cannot be synced (${why}); see what the system says about its disk`)
  } finally {
    closeSync(descriptor)
  }
}

/** Makes the directory, for its owner alone, and those above it where they are missing; they outlive a power cut. */
export function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const above = dirname(resolve(first))
  let parent = resolve(directory)
  do {
    parent = dirname(parent)
    syncPath(parent)
  } while (parent !== above && parent !== dirname(parent))
}
