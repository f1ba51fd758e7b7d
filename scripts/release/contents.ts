import { existsSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { Glob } from "bun"
import { type ArchiveFile, textFile } from "./archive-file.ts"
import { executableName, type Target } from "./targets.ts"
import { thirdPartyLicences } from "./third-party-licences.ts"

const root = new URL("../..", import.meta.url).pathname

/** What an archive holds. @param executable its path */
export async function archiveContents(target: Target, executable: string): Promise<readonly ArchiveFile[]> {
  return [
    { path: executableName(target), mode: 0o755, content: readFileSync(executable) },
    fromSources("LICENSE"),
    fromSources("README.md"),
    textFile("THIRD-PARTY-LICENCES.txt", thirdPartyLicences(target)),
    ...manPages().map(({ path, content }) => textFile(`man/${path}`, content)),
    ...(await completions()).map(({ shell, text }) =>
      textFile(`completions/${completionNames[shell]}`, text),
    ),
    ...(target.name.startsWith("linux") ? units.map((name) => fromSources(`packaging/${name}`)) : []),
  ]
}

const units = ["bantam.service", "bantam.socket", "bantam.sysusers"]

export const shells = ["bash", "zsh", "fish"] as const
export type Shell = (typeof shells)[number]

/** As each shell looks for them in its folder. */
export const completionNames = {
  bash: "bantam",
  zsh: "_bantam",
  fish: "bantam.fish",
} as const satisfies Record<Shell, string>

/** What makes each shell complete our words: as the program prints it. */
export async function completions(): Promise<readonly { readonly shell: Shell; readonly text: string }[]> {
  return Promise.all(shells.map(async (shell) => ({ shell, text: await told("completion", shell) })))
}

/** What the program prints, run from its sources. @throws Error when it fails */
async function told(...words: readonly string[]): Promise<string> {
  const program = Bun.spawn({
    cmd: [process.execPath, join(root, "cli/main.ts"), ...words],
    stdout: "pipe",
    stderr: "inherit",
  })
  const text = await program.stdout.text()
  if ((await program.exited) !== 0) throw new Error(`bantam ${words.join(" ")} failed`)
  return text
}

export interface ManPage {
  /** In a folder of man pages: man1/bantam.1 */
  readonly path: string
  readonly content: string
}

/** Those in dist/man, sorted; none where nobody made any. */
export function manPages(): readonly ManPage[] {
  const folder = join(root, "dist/man")
  if (!existsSync(folder)) return []
  const found = [...new Glob("**/*.[1-8]").scanSync({ cwd: folder })].toSorted()
  return found.map((file) => ({
    path: `man${file.slice(-1)}/${basename(file)}`,
    content: readFileSync(join(folder, file), "utf8"),
  }))
}

function fromSources(path: string): ArchiveFile {
  return { path, mode: 0o644, content: readFileSync(join(root, path)) }
}
