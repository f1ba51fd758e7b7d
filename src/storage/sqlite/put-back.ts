import { existsSync, renameSync, rmSync } from "node:fs"
import type { Database } from "./database.ts"
import { removeDraft, savedDraft } from "./drafts.ts"
import { replace, stampOf } from "./replacement.ts"
import { syncPath } from "./sync-path.ts"

/**
 * Closes a database whose file somebody has taken away under it, and writes what it holds into its place again, or beside
 * what stands there now: that is somebody's will.
 *
 * @param left what belonged to it and is still there: it must not come to lie beside another one
 * @returns where it is
 * @throws StoreError, or what SQLite or the system says: then what it held is lost
 */
export function putBack(database: Database, file: string, left: readonly string[], nowMs: number): string {
  const draft = savedDraft(file)
  // What others put there must not lie beside a log of ours. Where nothing is, that is all there is until the draft is whole.
  if (existsSync(file)) removeAll(left)
  try {
    removeDraft(draft)
    database.query<unknown, [string]>("VACUUM INTO ?").run(draft)
  } finally {
    database.close()
  }
  if (existsSync(file)) {
    removeAll(left)
    const beside = `${draft}-${stampOf(nowMs)}`
    syncPath(draft)
    renameSync(draft, beside)
    return beside
  }
  const kept = replace(file, draft, nowMs)
  // What was left of it is in the new one.
  rmSync(`${kept}-wal`, { force: true })
  return file
}

function removeAll(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true })
}
