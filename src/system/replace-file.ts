import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"

/**
 * Puts a text in the place of a file, in folders that are made where they are missing. Whoever reads it, and whatever
 * happens to the power, finds the old text or the new one, whole. A link stays a link.
 *
 * @param mode who may read it, from its first byte on
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const file = existsSync(path) ? realpathSync(path) : path
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const unfinished = `${file}.${process.pid}`
  // What a crash has left there, of a process of the same number.
  rmSync(unfinished, { force: true })
  const descriptor = openSync(unfinished, "wx", mode)
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(unfinished, file)
  // A folder cannot be opened there, and is written with the file.
  if (process.platform === "win32") return
  const folder = openSync(dirname(file), "r")
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
