import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "../../../src/storage/store-error.ts"
import type { Torture } from "../torture.ts"
import { live } from "./disk-changes.ts"
import { layOutStore, type SampleParts } from "./sample-store.ts"
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
  lay(directory: string): Promise<void>
}

const parts: SampleParts = { schema: 5, messages: 40, users: 50 }

const damages: readonly Damage[] = [
  {
    name: "a database that was cut off",
    async lay(directory) {
      await layOutStore(directory, "closed", parts)
      const file = join(directory, "bantam.db")
      truncateSync(file, Math.floor(statSync(file).size * 0.8))
    },
  },
  {
    name: "a log in which a bit has flipped",
    async lay(directory) {
      await layOutStore(directory, "crashed", parts)
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
      await damage.lay(directory)
      const undisturbed = join(folder, "undisturbed")
      copyData(directory, undisturbed)
      if ((await contentIfSound(undisturbed)) !== undefined) throw new Error("the damage is not noticed")
      await run([executable, ...recover(undisturbed)])
      saved = await contentOf(undisturbed)
      if (saved["session"]?.length === 0) throw new Error("there is nothing that can be saved")
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
