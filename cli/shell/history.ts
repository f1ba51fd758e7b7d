import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, isAbsolute, join } from "node:path"

/** So many lines are kept; twice as many may stand in the file before it is shortened. */
export const mostHistoryLines = 1_000
const longestLine = 4_096

/** @returns undefined without a home to keep it in */
export function historyFile(
  { XDG_STATE_HOME: stateHome, HOME: home }: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  // A relative one is to be ignored, says the XDG specification.
  if (stateHome !== undefined && isAbsolute(stateHome)) return join(stateHome, "bantam", "shell-history")
  return home !== undefined && isAbsolute(home) ? join(home, ".local/state/bantam/shell-history") : undefined
}

/** What begins with a blank is not meant to be kept, and what looks like a secret is not kept. */
export function isKept(line: string): boolean {
  if (line.trim() === "" || line.startsWith(" ") || line.length > longestLine) return false
  return !/pass(word|wd|phrase|code)|\b(pass|pwd?)\b|secret|token|credential|private.?key|api.?key|bearer/i.test(
    line,
  )
}

/** The lines that were typed before, the oldest first. Nobody else may read the file. */
export function readHistory(file: string): readonly string[] {
  let lines: readonly string[]
  try {
    lines = readFileSync(file, "utf8").split("\n").filter(isKept)
    chmodSync(file, 0o600)
  } catch {
    // None yet, or none that we may read: the shell works without.
    return []
  }
  const kept = lines.slice(-mostHistoryLines)
  if (lines.length > 2 * mostHistoryLines) shorten(file, kept)
  return kept
}

/** Adds a line, unless it is not to be kept. A file that cannot be written is no reason to stop anybody. */
export function remember(file: string, line: string): void {
  if (!isKept(line)) return
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    appendFileSync(file, `${line}\n`, { mode: 0o600 })
  } catch {
    // A home that is read-only, or a full disk.
  }
}

function shorten(file: string, lines: readonly string[]): void {
  try {
    const other = `${file}.${process.pid}`
    writeFileSync(other, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 })
    renameSync(other, file)
  } catch {
    // It stays as long as it is.
  }
}
