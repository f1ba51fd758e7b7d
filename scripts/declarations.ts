import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/*
 * Writes what a type checker reads of the package, dist/types: the declarations of src/index.ts, and of what those name.
 * `npm pack` runs it.
 */

const root = new URL("..", import.meta.url).pathname
const types = join(root, "dist/types")

/** @throws Error when the compiler refuses; it has said why on standard output */
async function compile(folder: string): Promise<void> {
  const compiler = Bun.spawn({
    cmd: ["tsc", "--project", "tsconfig.declarations.json", "--outDir", folder],
    cwd: root,
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
    stdout: "inherit",
    stderr: "inherit",
  })
  if ((await compiler.exited) !== 0) throw new Error("cannot make the declarations")
}

/** Copies a declaration and those that it imports. @param file its path below src, without an ending */
function copy(file: string, from: string, copied = new Set<string>()): void {
  if (copied.has(file)) return
  copied.add(file)
  const text = readFileSync(join(from, "src", `${file}.d.ts`), "utf8")
  const written = text.replace(/(from |import\()"(\.[^"]+)\.ts"/g, (_, before: string, path: string) => {
    copy(join(dirname(file), path), from, copied)
    // Whoever checks a program of his own need not allow imports of .ts.
    return `${before}"${path}.js"`
  })
  const target = join(types, `${file}.d.ts`)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, written)
}

const draft = mkdtempSync(join(tmpdir(), "bantam-declarations-"))
try {
  await compile(draft)
  rmSync(types, { recursive: true, force: true })
  copy("index", draft)
} finally {
  rmSync(draft, { recursive: true })
}
