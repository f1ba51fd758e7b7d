import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { runtimePackage } from "../shipped-packages.ts"
import { ownTarget, type Target } from "./targets.ts"

const root = new URL("../..", import.meta.url).pathname
const runtimes = join(root, "dist/runtimes")

/**
 * The Bun that becomes the executable for a target: this one for its own kind, and for others what npm has, by the version
 * and the hash in package-lock.json. It stays in dist/runtimes.
 *
 * @returns its path
 * @throws Error when npm cannot get it, or gets something else
 */
export async function runtimeFor(target: Target): Promise<string> {
  if (target === ownTarget()) return process.execPath
  const { name, version, sha512 } = runtimePackage(target.system)
  const file = target.name.startsWith("windows") ? "bun.exe" : "bun"
  const folder = join(runtimes, `${target.system}-${version}`)
  const runtime = join(folder, "package/bin", file)
  if (existsSync(runtime)) return runtime
  mkdirSync(runtimes, { recursive: true })
  const draft = mkdtempSync(join(runtimes, "draft-"))
  try {
    const archive = await download(`${name}@${version}`, draft)
    const got = new Bun.CryptoHasher("sha512").update(archive).digest("hex")
    if (got !== sha512) throw new Error(`${name}@${version}: its hash is not the one in package-lock.json`)
    await new Bun.Archive(archive).extract(draft)
    renameSync(draft, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return runtime
}

async function download(wanted: string, folder: string): Promise<Buffer> {
  const npm = Bun.spawn({
    cmd: ["npm", "pack", wanted, "--silent", "--pack-destination", folder],
    cwd: root,
    stdout: "pipe",
    stderr: "inherit",
  })
  const file = join(folder, (await npm.stdout.text()).trim())
  if ((await npm.exited) !== 0) throw new Error(`npm cannot get ${wanted}`)
  const archive = readFileSync(file)
  rmSync(file)
  return archive
}
