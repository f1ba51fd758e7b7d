import { type Zippable, zipSync } from "fflate"
import { type ArchiveFile, inOrder } from "./archive-file.ts"

const ofUnix = 3

/** A zip archive. The same files give the same bytes, wherever and whenever it is made. */
export function zip(files: readonly ArchiveFile[], date: Date): Uint8Array {
  // A zip has no time zone, and the library writes down that of this machine.
  const mtime = new Date(date.getTime() + date.getTimezoneOffset() * 60_000)
  const entries: Zippable = {}
  for (const { path, mode, content } of inOrder(files)) {
    entries[path] = [content, { mtime, os: ofUnix, attrs: mode << 16, level: 9 }]
  }
  return zipSync(entries)
}
