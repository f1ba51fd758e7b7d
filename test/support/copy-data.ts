import { cpSync } from "node:fs"

/** Copies a data directory, of which the admin socket that a killed broker left is no part. */
export function copyData(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith("/admin.sock") })
}
