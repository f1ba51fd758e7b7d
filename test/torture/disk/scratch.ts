import { accessSync, constants, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const inMemory = "/dev/shm"

/** @returns a new folder for what is only read again, in memory where there is such a place: syncs cost nothing there */
export function scratchFolder(): string {
  return mkdtempSync(join(isWritable(inMemory) ? inMemory : tmpdir(), "bantam-scratch-"))
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
