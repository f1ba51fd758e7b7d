import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { container } from "./reader-machine.ts"

/** Why pages cannot be tried here, if so. With CI=true they are tried all the same, and fail. */
export const whyNoMachineHere: string | undefined = process.env["CI"] === "true" ? undefined : whyNoMachine()

function whyNoMachine(): string | undefined {
  const missing = ["unshare", "ip", "bash", "setsid"].find((program) => Bun.which(program) === null)
  if (missing !== undefined) return `${missing} is not installed`
  const directory = mkdtempSync(join(tmpdir(), "bantam-probe-"))
  const scripts = join(directory, "scripts")
  try {
    mkdirSync(scripts)
    const { success, stderr } = Bun.spawnSync([...container, scripts], {
      env: { PATH: process.env["PATH"], HOME: directory },
      stdin: new Blob([":"]),
    })
    return success ? undefined : `namespaces are not permitted: ${stderr.toString().trim()}`
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
