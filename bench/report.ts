import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type BenchRun, readRun } from "./results.ts"

/*
 * A run as a page for a browser: one file that needs nothing else. `bun run bench/report.ts RUN.json PAGE.html` makes
 * it from what `--json` wrote.
 */

/** In the template; it is where the run goes. */
const opening = '<script id="run" type="application/json">'

export function page(run: BenchRun): string {
  const template = readFileSync(join(import.meta.dir, "report.html"), "utf8")
  // Inside a script element nothing may look like the end of one.
  const data = JSON.stringify(run).replaceAll("<", String.raw`\u003c`)
  return template.replace(opening, () => opening + data)
}

if (import.meta.main) {
  const [source, target] = process.argv.slice(2)
  if (source === undefined || target === undefined) {
    console.error("Usage: bun run bench/report.ts RUN.json PAGE.html")
    process.exit(2)
  }
  writeFileSync(target, page(readRun(source)))
}
