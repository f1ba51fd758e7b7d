import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TortureReport, Verdict } from "../recorded-trial.ts"
import type { Effort } from "../torture.ts"
import type { Change } from "./break.ts"

const root = new URL("../../..", import.meta.url).pathname
const copied = ["src", "cli", "test", "scripts", "bench", "package.json", "tsconfig.json", "bunfig.toml"]

export interface CopyTrial {
  /** Its name. */
  readonly torture: string
  readonly effort: Effort
  readonly seed: number
  /** Undefined: the copy is as good as the sources. */
  readonly change: Change | undefined
}

/**
 * Has a copy of the sources tortured.
 *
 * @throws Error when the change does not fit the sources, or what came of it cannot be tried
 */
export async function tortureCopy({ torture, effort, seed, change }: CopyTrial): Promise<Verdict> {
  const copy = mkdtempSync(join(tmpdir(), "bantam-broken-"))
  try {
    for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true })
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
    if (change !== undefined) apply(change, copy)
    const report = join(copy, "report.json")
    const words = ["--only", torture, "--seed", String(seed), "--json", report]
    const trying = Bun.spawn({
      cmd: [
        ...[process.execPath, "run", "test/torture/run.ts", ...words],
        ...(effort === "short" ? ["--short"] : []),
      ],
      cwd: copy,
      stdout: "ignore",
      stderr: "pipe",
    })
    const [said] = await Promise.all([trying.stderr.text(), trying.exited])
    const verdict = readReport(report, said).verdicts.find(({ name }) => name === torture)
    if (verdict === undefined) throw new Error(`there is no torture called ${torture}`)
    // Whatever else it found wrong then, it is not known whether it would notice.
    if (verdict.skipped.length > 0) throw new Error(`${torture}: ${verdict.skipped.join("; ")}`)
    return verdict
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function apply({ file, find, replace }: Change, copy: string): void {
  const source = readFileSync(join(copy, file), "utf8")
  if (source.split(find).length !== 2) throw new Error(`${file} does not have this once: ${find}`)
  writeFileSync(
    join(copy, file),
    source.replace(find, () => replace),
  )
}

function readReport(file: string, said: string): TortureReport {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as TortureReport
  } catch (error) {
    throw new Error(`the copy could not be tried:\n${said}`, { cause: error })
  }
}
