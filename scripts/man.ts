import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { version } from "../package.json"
import { makeProgram } from "../cli/program.ts"
import { commandPageOf } from "./reference/command-page.ts"
import { manPages } from "./reference/man-pages.ts"

/*
 * Makes the man pages in dist/man: `npm run man`. To read one: man -l dist/man/man1/bantam.1
 */

const folder = new URL("../dist/man", import.meta.url).pathname

// Pages of commands that are no more would stay otherwise.
rmSync(folder, { recursive: true, force: true })
for (const [path, text] of manPages(commandPageOf(makeProgram(version)))) {
  mkdirSync(join(folder, dirname(path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
