import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { isAsShown } from "./expected-output.ts"
import { type Step, stepsOf } from "./page-steps.ts"
import { type ReaderMachine, startMachine } from "./reader-machine.ts"

const root = new URL("../..", import.meta.url).pathname

/** The longest that a page may take. A test is to wait for longer, so that the block is named that hangs. */
export const limitMs = 100_000

export interface Reading {
  /** What is not as the page says. */
  readonly complaints: readonly string[]
  /** What was not tried, each with the reason. */
  readonly skipped: readonly string[]
}

/** @param page such as docs/start.md */
export function stepsOfPage(page: string): readonly Step[] {
  return stepsOf(readFileSync(join(root, page), "utf8"), (program) => Bun.which(program) !== null)
}

/**
 * Does all that a page says, in the order it says it, on a machine of its own. `bantam` is on its path; in its home there
 * are dist/bantam and copies of the folders that pages name. The page of an example begins in its own folder.
 */
export async function readPage(page: string, program: string): Promise<Reading> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-docs-"))
  const [home, bin] = [join(directory, "home"), join(directory, "bin")]
  for (const each of [bin, join(home, "dist"), join(directory, "scripts")])
    mkdirSync(each, { recursive: true })
  for (const each of [join(bin, "bantam"), join(home, "dist/bantam")]) symlinkSync(program, each)
  for (const each of ["examples", "packaging"])
    cpSync(join(root, each), join(home, each), { recursive: true })
  const cwd = page.startsWith("examples/") ? join(home, dirname(page)) : home
  const path = `${bin}:${process.env["PATH"] ?? ""}`
  const machine = startMachine({ directory: join(directory, "scripts"), home, cwd, path, limitMs })
  try {
    return await follow(page, stepsOfPage(page), machine)
  } finally {
    await machine.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function follow(page: string, steps: readonly Step[], machine: ReaderMachine): Promise<Reading> {
  const complaints: string[] = []
  const skipped: string[] = []
  for (const step of steps) {
    const at = `${page}:${step.line}`
    switch (step.does) {
      case "skip":
        skipped.push(`${at}: ${step.why}`)
        break
      case "run":
      case "open-terminal": {
        const complaint =
          step.does === "run"
            ? await machine.run(step.script, step.exitCode)
            : await machine.openTerminal(step.name, step.script)
        if (complaint === undefined) break
        // What comes after builds on it.
        complaints.push(`${at}: ${complaint.what}\n${complaint.printed}`)
        return { complaints, skipped }
      }
      case "compare-output":
        complaints.push(...compare(at, step.expected, await machine.lastOutput()))
        break
      case "compare-terminal":
        complaints.push(...compare(at, step.expected, await machine.newTerminalOutput(step.name)))
        break
      default:
        step satisfies never
    }
  }
  return { complaints, skipped }
}

function compare(at: string, expected: string, printed: string | undefined): readonly string[] {
  if (printed === undefined) return [`${at}: no terminal has been opened`]
  return isAsShown(expected, printed) ? [] : [`${at}: shows\n${expected}but there was printed\n${printed}`]
}
