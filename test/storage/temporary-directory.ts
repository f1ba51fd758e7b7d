import { afterEach } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Gives directories that are gone after the test. Not one of them exists yet: the store makes its own. */
export function temporaryDirectories(): () => string {
  const made: string[] = []
  afterEach(() => {
    for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
  })
  return () => {
    const parent = mkdtempSync(join(tmpdir(), "bantam-store-"))
    made.push(parent)
    return join(parent, "store")
  }
}
