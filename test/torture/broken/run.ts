import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import pc from "picocolors"
import { table } from "../../../cli/output.ts"
import type { TortureReport, Verdict } from "../recorded-trial.ts"
import type { Break } from "./break.ts"
import { breaks } from "./breaks.ts"

/*
 * Breaks a copy of the sources in one place after the other, and looks whether the torture that should notice does:
 * `npm run torture:broken`, or a part of it with `--only crash`. Ends with 1 when a break goes unnoticed.
 */

const root = new URL("../../..", import.meta.url).pathname
const copied = ["src", "cli", "test", "scripts", "bench", "package.json", "tsconfig.json", "bunfig.toml"]

const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } })
const chosen = breaks.filter(
  ({ noticedBy }) => values.only === undefined || values.only.some((name) => noticedBy.startsWith(name)),
)
if (chosen.length === 0) throw new Error(`--only: nothing begins with ${values.only?.join(" or ")}`)

const rows = [["torture", "what the broken broker does", "noticed", "as"]]
let unnoticed = 0
for (const [index, each] of chosen.entries()) {
  console.error(pc.bold(`${index + 1} of ${chosen.length}: ${each.noticedBy}: ${each.what}`))
  const { wrong } = await triedBroken(each)
  const [first = ""] = wrong
  if (first === "") unnoticed += 1
  rows.push([each.noticedBy, each.what, first === "" ? "NO" : "yes", firstLine(first)])
  console.error(first === "" ? pc.red("  unnoticed") : `  noticed: ${firstLine(first)}`)
}
console.log(table(rows))
console.log(unnoticed === 0 ? `${chosen.length} breaks noticed` : `${unnoticed} breaks UNNOTICED`)
process.exitCode = unnoticed === 0 ? 0 : 1

/** @throws Error when the break does not fit the sources, or what came of it cannot be tried */
async function triedBroken({ file, find, replace, noticedBy, effort }: Break): Promise<Verdict> {
  const copy = mkdtempSync(join(tmpdir(), "bantam-broken-"))
  try {
    for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true })
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
    const source = readFileSync(join(copy, file), "utf8")
    if (source.split(find).length !== 2) throw new Error(`${file} does not have this once: ${find}`)
    writeFileSync(
      join(copy, file),
      source.replace(find, () => replace),
    )
    const report = join(copy, "report.json")
    const words = ["--only", noticedBy, "--json", report, ...(effort === "short" ? ["--short"] : [])]
    const trying = Bun.spawn({
      cmd: [process.execPath, "run", "test/torture/run.ts", ...words],
      cwd: copy,
      stdout: "ignore",
      stderr: "pipe",
    })
    const [said] = await Promise.all([trying.stderr.text(), trying.exited])
    const { verdicts } = readReport(report, said)
    const verdict = verdicts.find(({ name }) => name === noticedBy)
    if (verdict === undefined) throw new Error(`there is no torture called ${noticedBy}`)
    // Whatever else it found wrong then, it is not known whether it would notice.
    if (verdict.skipped.length > 0) throw new Error(`${noticedBy}: ${verdict.skipped.join("; ")}`)
    return verdict
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function readReport(file: string, said: string): TortureReport {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as TortureReport
  } catch (error) {
    throw new Error(`the broken broker could not be tried:\n${said}`, { cause: error })
  }
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n")
  return line.length > 90 ? `${line.slice(0, 89)}…` : line
}
