import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeSite } from "./site/site.ts"

/*
 * Makes the documentation a site of static files, in dist/docs: `npm run docs`. To read it: open dist/docs/index.html
 */

const folder = new URL("../dist/docs", import.meta.url).pathname

rmSync(folder, { recursive: true, force: true })
for (const [path, content] of makeSite()) {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
