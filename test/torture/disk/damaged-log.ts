import { existsSync, readFileSync, rmSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { copyData } from "../../support/copy-data.ts"
import { pageBytes } from "./page-tree.ts"

/*
 * What a write-ahead log still says when it is damaged: https://sqlite.org/walformat.html. Each of its frames is summed up
 * on top of those before it, so nothing from the first one on that is not as it was.
 */

const headerBytes = 32
const frameHeaderBytes = 24
const frameBytes = frameHeaderBytes + pageBytes

/**
 * Copies a sound store with as much of its log as stands in front of the damage, and without the index that knows more:
 * whatever was committed until then, and nothing else, is in that copy.
 *
 * @returns false: the log is as it was, and there is no copy
 */
export function copyUpToDamage(sound: string, damaged: string, copy: string): boolean {
  const whole = logOf(sound)
  const left = logOf(damaged)
  if (whole.equals(left)) return false
  copyData(sound, copy)
  const log = join(copy, "bantam.db-wal")
  const frames = Math.floor((firstDifference(whole, left) - headerBytes) / frameBytes)
  if (frames > 0) truncateSync(log, headerBytes + frames * frameBytes)
  else rmSync(log)
  rmSync(join(copy, "bantam.db-shm"), { force: true })
  return true
}

/** Numbers of the pages that a sound log has anew: whatever the database says there is not read. */
export function pagesOfLog(directory: string): ReadonlySet<number> {
  const log = logOf(directory)
  const pages = new Set<number>()
  const uncommitted: number[] = []
  for (let frame = headerBytes; frame + frameBytes <= log.length; frame += frameBytes) {
    // Left from an earlier use of the file.
    if (log.compare(log, 16, 24, frame + 8, frame + 16) !== 0) break
    uncommitted.push(log.readUInt32BE(frame))
    if (log.readUInt32BE(frame + 4) === 0) continue
    for (const page of uncommitted.splice(0)) pages.add(page)
  }
  return pages
}

function logOf(directory: string): Buffer {
  const path = join(directory, "bantam.db-wal")
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
}

function firstDifference(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return at
  return length
}
