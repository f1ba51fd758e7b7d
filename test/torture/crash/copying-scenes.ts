import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import { restore } from "../../../src/storage/backup.ts"
import { live } from "./disk-changes.ts"
import { layOutStore, type SampleParts } from "./sample-store.ts"
import type { Scene } from "./scene.ts"
import { contentOf, difference, type StoreContent } from "./store-content.ts"

/*
 * Backups and restores of a store that nobody serves, killed at any moment: what has the name of a backup or of a store
 * afterwards is one, whole.
 */

const present: SampleParts = { schema: 5, messages: 40, users: 100 }
const earlier: SampleParts = { schema: 5, messages: 15, users: 20 }

/** @param replaces whether a backup is there already */
export function backingUp(replaces: boolean, executable: string): Scene {
  const states = new States(executable)
  return {
    name: replaces ? "backing up over a backup" : "backing up",
    prepare: (folder) => states.layOut(folder, replaces),
    words: (folder) => [
      ...["backup", join(folder, "backup"), "--data", join(folder, "store")],
      ...(replaces ? ["--force"] : []),
    ],
    async check(folder, life) {
      const file = join(folder, "backup")
      const before = replaces ? states.earlier : undefined
      if (existsSync(file)) {
        restore(file, join(folder, "restored"), false)
        const found = await contentOf(join(folder, "restored"))
        const wrong = isNeither(found, life.wasKilled ? [states.present, before] : [states.present])
        if (wrong !== undefined) return `the backup: ${wrong}`
      } else if (replaces || !life.wasKilled) return "there is no backup"
      return difference(states.present, await contentOf(join(folder, "store")))
    },
  }
}

/** @param replaces whether a store is there already: left by a kill, so that its log belongs to it */
export function restoring(replaces: boolean, executable: string): Scene {
  const states = new States(executable)
  return {
    name: replaces ? "restoring over a store" : "restoring",
    async prepare(folder) {
      await states.layOut(folder, true)
      if (!replaces) renameSync(join(folder, "store"), join(folder, "elsewhere"))
      else mkdirSync(join(folder, "elsewhere"))
    },
    words: (folder) => ["restore", join(folder, "backup"), "--data", join(folder, "store"), "--force"],
    async check(folder, life) {
      const directory = join(folder, "store")
      const aside = keptAside(directory)
      if (!existsSync(join(directory, "bantam.db"))) {
        return replaces || !life.wasKilled ? "there is no store" : undefined
      }
      const found = await contentOf(directory)
      const before = replaces && life.wasKilled ? states.present : undefined
      const wrong = isNeither(found, [states.earlier, before])
      if (wrong !== undefined || !replaces || isNeither(found, [states.present]) === undefined) return wrong
      // The new one is in place, so the old one is aside.
      if (aside === undefined) return "the store that was there is gone"
      return difference(states.present, await contentOfAside(directory, aside))
    },
  }
}

/** What the files of a scene hold. */
class States {
  readonly #executable: string
  present: StoreContent = {}
  earlier: StoreContent = {}

  constructor(executable: string) {
    this.#executable = executable
  }

  /** A store that was left by a kill, and a backup of another one. */
  async layOut(folder: string, withBackup: boolean): Promise<void> {
    const other = join(folder, "other")
    await layOutStore(other, "closed", present)
    this.present = await contentOf(other)
    await layOutStore(join(folder, "store"), "crashed", present)
    if (!withBackup) return
    const another = join(folder, "another")
    await layOutStore(another, "closed", earlier)
    const words = ["backup", join(folder, "backup"), "--data", another]
    const { exitCode, said } = await live([this.#executable, ...words], undefined)
    if (exitCode !== 0) throw new Error(said.join("\n"))
    this.earlier = await contentOf(another)
  }
}

/** @returns how it differs from all of them; undefined: it is one of them */
function isNeither(found: StoreContent, allowed: readonly (StoreContent | undefined)[]): string | undefined {
  const differences = allowed.map((each) => (each === undefined ? "" : difference(each, found)))
  return differences.includes(undefined) ? undefined : differences.filter((each) => each !== "").join(" OR ")
}

function keptAside(directory: string): string | undefined {
  const pattern = /^bantam\.db\.replaced-.+Z$/
  return existsSync(directory) ? readdirSync(directory).find((name) => pattern.test(name)) : undefined
}

async function contentOfAside(directory: string, aside: string): Promise<StoreContent> {
  const place = join(directory, "aside")
  mkdirSync(place)
  for (const suffix of ["", "-wal"]) {
    const file = join(directory, `${aside}${suffix}`)
    if (existsSync(file)) renameSync(file, join(place, `bantam.db${suffix}`))
  }
  return contentOf(place)
}
