import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "../../../src/storage/store-error.ts"
import { copyUpToDamage } from "../disk/damaged-log.ts"
import { isTable, keyOf, StandingRows } from "../disk/standing-rows.ts"
import type { Torture } from "../torture.ts"
import { live } from "./disk-changes.ts"
import { layOutStore, type SampleParts, type StoreState } from "./sample-store.ts"
import { play, type Scene, triesOf } from "./scene.ts"
import { served } from "./served.ts"
import { contentOf, difference, type StoreContent } from "./store-content.ts"
import { copyData } from "../../support/copy-data.ts"

export const crashInRecovery: Torture = {
  name: "crash in recovery",
  promise: "what can be saved of a damaged store is saved, even if that was begun and killed before",
  async run(trial) {
    const tries = await triesOf(trial, { changes: 40, times: 5 })
    for (const damage of damages) await play(recovering(damage, trial.executable), trial, tries)
  },
}

/** With each of them a broker that is not told to recover refuses to start. */
interface Damage {
  readonly name: string
  readonly of: StoreState
  harm(directory: string): void
}

const parts: SampleParts = { schema: 5, messages: 40, users: 50 }

const damages: readonly Damage[] = [
  {
    name: "a database that was cut off",
    of: "closed",
    harm(directory) {
      const file = join(directory, "bantam.db")
      truncateSync(file, Math.floor(statSync(file).size * 0.8))
    },
  },
  {
    name: "a log in which a bit has flipped",
    of: "crashed",
    harm(directory) {
      const file = join(directory, "bantam.db-wal")
      const bytes = readFileSync(file)
      const at = Math.floor(bytes.length * 0.5)
      bytes[at] = (bytes[at] ?? 0) ^ 4
      writeFileSync(file, bytes)
    },
  },
]

function recovering(damage: Damage, executable: string): Scene {
  const recover = (directory: string) => [...served(directory), "--recover"]
  let saved: StoreContent = {}
  return {
    name: `recovering ${damage.name}`,
    async prepare(folder) {
      const directory = join(folder, "store")
      const sound = join(folder, "sound")
      await layOutStore(directory, damage.of, parts)
      copyData(directory, sound)
      damage.harm(directory)
      const owed = await owedBy(sound, directory)
      rmSync(sound, { recursive: true })
      const undisturbed = join(folder, "undisturbed")
      copyData(directory, undisturbed)
      if ((await contentIfSound(undisturbed)) !== undefined) throw new Error("the damage is not noticed")
      await run([executable, ...recover(undisturbed)])
      saved = await contentOf(undisturbed)
      if (saved["session"]?.length === 0) throw new Error("there is nothing that can be saved")
      // The recovery is what all others are compared with, so it is compared with what is known without it.
      const lost = lostOf(owed, saved)
      if (lost !== undefined) throw new Error(`the recovery does not save all that is left: ${lost}`)
    },
    words: (folder) => recover(join(folder, "store")),
    async check(folder) {
      const directory = join(folder, "store")
      const found = await contentIfSound(directory)
      // Refused as it was before, so whoever runs the broker recovers it once more.
      if (found === undefined) await run([executable, ...recover(directory)])
      return difference(saved, found ?? (await contentOf(directory)))
    },
  }
}

/** What the damage has not reached: of a log what was committed in front of it, of a database what it cannot concern. */
async function owedBy(sound: string, damaged: string): Promise<StoreContent> {
  const copy = `${sound}.copy`
  try {
    if (copyUpToDamage(sound, damaged, copy)) return await contentOf(copy)
    const concerned = new StandingRows(sound).concernedBy(damaged)
    if (concerned === undefined) throw new Error("nothing can be found without the schema")
    copyData(sound, copy)
    const owed: Record<string, readonly string[]> = {}
    for (const [name, rows] of Object.entries(await contentOf(copy))) {
      owed[name] = rows.filter((text) => {
        const row = JSON.parse(text) as Record<string, unknown>
        const isUnread = isTable(name) && concerned.get(name)?.unread.has(keyOf(name, row)) === true
        // What belongs to a session goes with it.
        return !isUnread && concerned.get("session")?.unread.has(String(row["session"])) !== true
      })
    }
    return owed
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @returns undefined: all of it was saved */
function lostOf(owed: StoreContent, saved: StoreContent): string | undefined {
  const lost = Object.entries(owed).flatMap(([name, rows]) => {
    const others = new Set(saved[name])
    const missing = rows.filter((row) => !others.has(row)).length
    return missing === 0 ? [] : [`${missing} of ${rows.length} in ${name}`]
  })
  return lost.length === 0 ? undefined : lost.join(", ")
}

/** @returns undefined: the store is damaged, and opening it says so */
async function contentIfSound(directory: string): Promise<StoreContent | undefined> {
  try {
    return await contentOf(directory)
  } catch (error) {
    if (error instanceof StoreError && error.damaged) return undefined
    throw error
  }
}

async function run(program: readonly string[]): Promise<void> {
  const { exitCode, said } = await live(program, undefined)
  if (exitCode !== 0) throw new Error(said.join("\n"))
}
