import { existsSync, renameSync, rmSync } from "node:fs"
import type { Database } from "./database.ts"
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
  const draft = `${file}.saved`
  try {
    rmSync(draft, { force: true })
    database.query<unknown, [string]>("VACUUM INTO ?").run(draft)
  } finally {
    database.close()
  }
  for (const name of left) rmSync(name, { force: true })
  if (existsSync(file)) {
    const beside = `${draft}-${stampOf(nowMs)}`
    syncPath(draft)
    renameSync(draft, beside)
    return beside
  }
  replace(file, draft, nowMs)
  return file
}
