import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { resolve } from "node:path"
import { parseArgs } from "node:util"

/*
 * Makes the executable: `npm run build`, or for other systems `npm run build -- --target linux-arm64 darwin-arm64`.
 */

export interface Build {
  /** Such as linux-arm64 or linux-x64-musl; undefined: the system we are on. */
  readonly target?: string
  /** The Bun that becomes the executable; undefined: this one, or what the compiler gets from npm for another system. */
  readonly runtime?: string
  readonly outfile: string
}

const root = new URL("..", import.meta.url).pathname

/** @throws Error when the compiler refuses; it has said why on standard error */
export async function build({ target, runtime, outfile }: Build): Promise<void> {
  const compiler = Bun.spawn({
    cmd: [
      process.execPath,
      "build",
      "--compile",
      ...(target === undefined ? [] : [`--target=bun-${target}`]),
      ...(runtime === undefined ? [] : [`--compile-executable-path=${runtime}`]),
      // Bytecode starts in a third of the time; it needs the module format said.
      "--bytecode",
      "--format=esm",
      "--minify",
      "--sourcemap=inline",
      "--production",
      // A bunfig.toml or .env in the directory where the broker starts would run whatever code it names.
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
      // The defaults, said all the same: nothing there changes what a module means.
      "--no-compile-autoload-tsconfig",
      "--no-compile-autoload-package-json",
      // No code from outside: neither from a text, nor from what BUN_OPTIONS, BUN_INSPECT and their like name.
      "--compile-exec-argv=--disallow-code-generation-from-strings=strict",
      "--root",
      ".",
      "cli/main.ts",
      "--outfile",
      outfile,
    ],
    cwd: root,
    stdout: "ignore",
    stderr: "inherit",
  })
  if ((await compiler.exited) !== 0) throw new Error(`cannot build ${outfile}`)
  // The executable holds its source map; the compiler leaves another one beside it.
  rmSync(`${outfile}.map`, { force: true })
  // For Linux, where it is tried by a test. For macOS the signature would no longer fit.
  if ((target ?? process.platform).startsWith("linux")) forgetBeingBun(resolve(root, outfile))
}

/**
 * With BUN_BE_BUN in its environment an executable of Bun is no longer the program but Bun itself, which runs whatever it
 * is told: with the capabilities that the file was given, too. No option of the compiler leaves that out, so the name of
 * the variable is made one that no environment can hold.
 *
 * @throws Error when Bun has that name elsewhere than it used to
 */
function forgetBeingBun(file: string): void {
  const bytes = readFileSync(file)
  const name = "\0BUN_BE_BUN\0"
  const at = bytes.indexOf(name)
  if (at === -1 || bytes.indexOf("BUN_BE_BUN", at + name.length) !== -1) {
    throw new Error(
      `${file}: this Bun keeps the name of BUN_BE_BUN elsewhere; see how it can be switched off`,
    )
  }
  const descriptor = openSync(file, "r+")
  writeSync(descriptor, Uint8Array.of(0), 0, 1, at + 1)
  closeSync(descriptor)
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { target: { type: "string", multiple: true } },
    allowPositionals: true,
  })
  const targets = [...(values.target ?? []), ...positionals]
  if (targets.length === 0) await build({ outfile: "dist/bantam" })
  for (const target of targets) await build({ target, outfile: `dist/bantam-${target}` })
}
