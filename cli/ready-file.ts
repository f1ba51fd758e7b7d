import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs"

/** What a script that started us wants to know, such as the port that the system chose for a broker. */
export type Ready =
  | { readonly pid: number; readonly version: string; readonly urls: readonly string[] }
  | { readonly pid: number; readonly filters: readonly string[] }

/** Whoever sees the file sees all of it. */
export function writeReadyFile(path: string, ready: Ready): void {
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(ready)}\n`)
  // For whoever waits for it, whoever that is; and nobody else may say where the broker is.
  chmodSync(unfinished, 0o644)
  renameSync(unfinished, path)
}

/** Does nothing where there is none. */
export function removeReadyFile(path: string): void {
  rmSync(path, { force: true })
}
