import { join } from "node:path"
import type { Torture } from "../torture.ts"
import { tryCrashes } from "./crash-run.ts"
import { killedAtStart } from "./fate.ts"
import { layOutStore } from "./sample-store.ts"
import { play, type Scene, triesOf } from "./scene.ts"
import { served } from "./served.ts"
import { contentOf, difference, type StoreContent } from "./store-content.ts"

/** A start on what this load leaves, on a machine that does nothing else. */
const usualStartMs = 90

export const crashAtStartUp: Torture = {
  name: "crash at start-up",
  promise: "kill -9 while the broker starts, however often, loses nothing of what it had stored",
  async run(trial) {
    const isLong = trial.effort === "long"
    const rounds = isLong ? 20 : 1
    let killed = 0
    await tryCrashes(trial, rounds, (random) =>
      killedAtStart(random, trial.executable, usualStartMs, () => void (killed += 1)),
    )
    trial.atLeast("starts killed", killed, rounds)
    const tries = await triesOf(trial, { changes: 60, times: 10 })
    await play(starting(), trial, tries)
    await play(startingAnew(), trial, tries)
  },
}

/** On what a kill has left, some of it folded into its tables and some of it not; then it is asked to stop. */
function starting(): Scene {
  const parts = { schema: 5, messages: 40, users: 50 }
  let expected: StoreContent = {}
  return {
    name: "starting and stopping",
    async prepare(folder) {
      await layOutStore(join(folder, "stopped"), "closed", parts)
      expected = await contentOf(join(folder, "stopped"))
      await layOutStore(join(folder, "store"), "crashed", parts)
    },
    words: (folder) => served(join(folder, "store")),
    check: async (folder) => difference(expected, await contentOf(join(folder, "store"))),
  }
}

/** Where nothing is yet. */
function startingAnew(): Scene {
  return {
    name: "starting for the first time",
    prepare: async () => {},
    words: (folder) => served(join(folder, "store")),
    async check(folder) {
      const found = await contentOf(join(folder, "store"))
      return Object.values(found).every((rows) => rows.length === 0)
        ? undefined
        : "the new store is not empty"
    },
  }
}
