import { existsSync, readdirSync, renameSync, rmSync } from "node:fs"
import { basename, dirname } from "node:path"
import { syncPath } from "./sync-path.ts"

/*
 * One database takes the place of another in steps, and whoever takes them may be killed between any two. So the new one
 * is made whole beside the old one, and gets a name that says so: from then on it is the store, and the steps are taken
 * from the start by whoever opens it next.
 */

/** A time as a part of a file's name. */
export function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(":", "-")
}

/** Where the one that is replaced is kept. @param stamp tells it from others */
function keptFile(file: string, stamp: string): string {
  return `${file}.damaged-${stamp}`
}

/**
 * Makes a finished database the store, in place of what is there, which is kept.
 *
 * @param draft is closed, and nobody has opened `file`
 * @returns the name under which the other one is kept
 */
export function replace(file: string, draft: string, nowMs: number): string {
  const stamp = stampOf(nowMs)
  syncPath(draft)
  renameSync(draft, `${wholePrefix(file)}${stamp}`)
  syncPath(dirname(file))
  finishReplacement(file)
  return keptFile(file, stamp)
}

/** Whether a replacement was begun and not finished. */
export function isBeingReplaced(file: string): boolean {
  return existsSync(dirname(file)) && wholeStamps(file).length > 0
}

/** Takes the steps that are left. Only for whoever has the directory. */
export function finishReplacement(file: string): void {
  for (const stamp of wholeStamps(file)) {
    for (const suffix of ["-wal", ""]) {
      if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${keptFile(file, stamp)}${suffix}`)
    }
    // An index of the log, which SQLite makes anew.
    rmSync(`${file}-shm`, { force: true })
    // The log of the old one must not come to lie beside the new one.
    syncPath(dirname(file))
    renameSync(`${wholePrefix(file)}${stamp}`, file)
    syncPath(dirname(file))
  }
}

function wholePrefix(file: string): string {
  return `${file}.whole-`
}

function wholeStamps(file: string): string[] {
  const prefix = basename(wholePrefix(file))
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .toSorted()
}
