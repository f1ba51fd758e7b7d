import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const listName = "SHA256SUMS"

/** Writes SHA256SUMS of all files in a folder, as `sha256sum -c` reads it. */
export function writeChecksums(folder: string): void {
  const names = readdirSync(folder).filter((name) => name !== listName)
  const lines = names.toSorted().map((name) => {
    const hash = new Bun.CryptoHasher("sha256").update(readFileSync(join(folder, name))).digest("hex")
    return `${hash}  ${name}\n`
  })
  writeFileSync(join(folder, listName), lines.join(""))
}
