import { rmSync } from "node:fs"
import { parseArgs } from "node:util"

/*
 * Makes the executable: `npm run build`, or for other systems `npm run build -- --target linux-arm64 darwin-arm64`.
 */

export interface Build {
  /** Such as linux-arm64 or linux-x64-musl; undefined: the system we are on. */
  readonly target?: string
  readonly outfile: string
}

const root = new URL("..", import.meta.url).pathname

/** @throws Error when the compiler refuses; it has said why on standard error */
export async function build({ target, outfile }: Build): Promise<void> {
  const compiler = Bun.spawn({
    cmd: [
      process.execPath,
      "build",
      "--compile",
      ...(target === undefined ? [] : [`--target=bun-${target}`]),
      // Bytecode starts in a third of the time; it needs the module format said.
      "--bytecode",
      "--format=esm",
      "--minify",
      "--sourcemap=inline",
      "--production",
      // A bunfig.toml or .env in the directory where the broker starts would run whatever code it names.
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
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
