import { rmSync } from "node:fs"
import { join } from "node:path"
import { ownTarget } from "../../scripts/release/targets.ts"

export const root = new URL("../..", import.meta.url).pathname

let made: Promise<string> | undefined

/** The folder of a release for this machine alone, made once for all tests that ask. @throws Error when it cannot be made */
export function nativeRelease(): Promise<string> {
  made ??= make()
  return made
}

async function make(): Promise<string> {
  // Among what is built: nothing is told to us when the last test that needs it is over.
  const folder = join(root, "dist/tried-release")
  rmSync(folder, { recursive: true, force: true })
  const script = join(root, "scripts/release/run.ts")
  const releasing = Bun.spawn({
    cmd: [process.execPath, "run", script, "--out", folder, ownTarget().name],
    // The sources may have come without their history.
    env: { SOURCE_DATE_EPOCH: "1767225600", ...process.env },
    stdout: "ignore",
    stderr: "pipe",
  })
  const error = await releasing.stderr.text()
  if ((await releasing.exited) !== 0) throw new Error(error)
  return folder
}
