import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { dependencies, version } from "../../package.json"
import { table } from "../../cli/output.ts"
import { build } from "../build.ts"
import { billOfMaterials } from "../sbom.ts"
import { archiveContents } from "./contents.ts"
import { writeChecksums } from "./checksums.ts"
import { debianPackage } from "./deb.ts"
import { headerOf } from "./executable-header.ts"
import { releaseDate } from "./release-date.ts"
import { runtimeFor } from "./runtime.ts"
import { executableName, type Target, targetNamed, targets } from "./targets.ts"
import { tarball } from "./tarball.ts"
import { tryOut } from "./trial.ts"
import { zip } from "./zip.ts"

/*
 * Makes all that a release consists of: `npm run release`, or `npm run release -- linux-x64` for some targets alone. What it
 * makes stands in dist/release, or where --out says: archives, packages for Debian, bills of materials, install.sh, and
 * SHA256SUMS of all of them. The same sources give the same bytes; docs/install.md says what is what.
 */

const root = new URL("../..", import.meta.url).pathname

/** @returns a row that says what was made, and whether it ran here */
async function release(target: Target, folder: string, date: Date): Promise<string[]> {
  const executable = await makeExecutable(target)
  const trial = await tryOut(target, executable)
  const name = `bantam-${version}-${target.name}`
  const contents = await archiveContents(target, executable)
  const files = contents.map((file) => ({ ...file, path: `${name}/${file.path}` }))
  if (target.name.startsWith("windows")) writeFileSync(join(folder, `${name}.zip`), zip(files, date))
  else writeFileSync(join(folder, `${name}.tar.gz`), await tarball(files, { date }))
  const bill = billOfMaterials(target.system)
  writeFileSync(join(folder, `${name}.cdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`)
  const debian = await debianPackage({ target, executable, version, date })
  if (debian !== undefined) writeFileSync(join(folder, debian.name), debian.content)
  return [target.name, target.header, trial.was === "run" ? `ran by ${trial.by}` : `not run: ${trial.why}`]
}

/** The name of the file is in it, so it is the same for all. @throws Error when the compiler made something else */
async function makeExecutable(target: Target): Promise<string> {
  const outfile = join(root, "dist/executables", target.name, executableName(target))
  await build({ target: target.name, runtime: await runtimeFor(target), outfile })
  const header = headerOf(outfile)
  if (header !== target.header) throw new Error(`${outfile} is ${header}, and was to be ${target.header}`)
  return outfile
}

/** What an earlier release left would be listed among the rest. @throws Error rather than to empty a folder of somebody's */
function emptyFolder(named: string | undefined): string {
  const own = join(root, "dist/release")
  if (named === undefined) rmSync(own, { recursive: true, force: true })
  const folder = resolve(named ?? own)
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).length === 0) return folder
  throw new Error(`${folder} is not empty; name another folder with --out`)
}

/** Into dist/man. */
async function makeManPages(): Promise<void> {
  const making = Bun.spawn({
    cmd: [process.execPath, "run", "man"],
    cwd: root,
    stdout: "ignore",
    stderr: "inherit",
  })
  if ((await making.exited) !== 0) throw new Error("cannot make the man pages")
}

if (import.meta.main) {
  if (Bun.version !== dependencies.bun)
    throw new Error(`this is Bun ${Bun.version}; it ships ${dependencies.bun}`)
  const { values, positionals } = parseArgs({
    options: { out: { type: "string" } },
    allowPositionals: true,
  })
  const date = releaseDate()
  const wanted = positionals.length === 0 ? targets : positionals.map(targetNamed)
  const folder = emptyFolder(values.out)
  await makeManPages()
  const rows: string[][] = []
  for (const target of wanted) {
    console.error(`making ${target.name}`)
    rows.push(await release(target, folder, date))
  }
  await Bun.write(join(folder, "install.sh"), Bun.file(join(root, "packaging/install.sh")))
  writeChecksums(folder)
  console.log(table([["TARGET", "IS", "TRIED"], ...rows]))
}
