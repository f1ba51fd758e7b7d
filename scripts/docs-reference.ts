import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../package.json"
import { makeProgram } from "../cli/program.ts"
import { commandPageOf } from "./reference/command-page.ts"
import { commandsMarkdown } from "./reference/markdown.ts"
import { settingsMarkdown } from "./reference/settings-markdown.ts"

/*
 * Makes the pages of docs/ that follow from the program: `npm run docs:reference`.
 */

const root = new URL("..", import.meta.url).pathname

/** By their paths in the repository, formatted. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/commands.md", formatted(commandsMarkdown(commandPageOf(makeProgram(version))))],
    ["docs/configuration.md", formatted(settingsMarkdown())],
  ])
}

/** As the formatter would leave it, which works on files alone. */
function formatted(markdown: string): string {
  const directory = mkdtempSync(join(tmpdir(), "bantam-reference-"))
  const file = join(directory, "page.md")
  try {
    writeFileSync(file, markdown)
    const { success, stderr } = Bun.spawnSync([process.execPath, "fmt", file], { cwd: root })
    if (!success) throw new Error(`the formatter refuses the page: ${stderr.toString()}`)
    return readFileSync(file, "utf8")
  } finally {
    rmSync(directory, { recursive: true })
  }
}

if (import.meta.main) {
  for (const [path, text] of referencePages()) writeFileSync(join(root, path), text)
}
