import { join } from "node:path"
import { migrations } from "../../../src/storage/sqlite/schema.ts"
import type { Torture } from "../torture.ts"
import { layOutOlderStore } from "./older-store.ts"
import { play, type Scene, triesOf } from "./scene.ts"
import { layOutStore, type SampleParts } from "./sample-store.ts"
import { contentOf, difference, halfMigration, type StoreContent } from "./store-content.ts"
import { served } from "./served.ts"

export const crashInMigration: Torture = {
  name: "crash in migration",
  promise: "a store of an older schema is migrated whole or not at all, with all that is in it",
  async run(trial) {
    const tries = await triesOf(trial, { changes: 40, times: 10 })
    const older = migrations.slice(1).map((_, index) => index + 1)
    const chosen = trial.effort === "long" ? older : [1 + (trial.seed % older.length)]
    for (const schema of chosen) await play(migration(schema), trial, tries)
  },
}

function migration(schema: number): Scene {
  const parts: SampleParts = { schema, messages: 40, users: 200 }
  let expected: StoreContent = {}
  return {
    name: `migrating schema ${schema}`,
    async prepare(folder) {
      const present = join(folder, "present")
      await layOutStore(present, "closed", parts)
      expected = await contentOf(present)
      await layOutOlderStore(join(folder, "store"), parts)
    },
    words: (folder) => served(join(folder, "store")),
    async check(folder) {
      const directory = join(folder, "store")
      return halfMigration(directory, schema) ?? difference(expected, await contentOf(directory))
    },
  }
}
