import type { Torture } from "../torture.ts"
import { backUpUnderLoad } from "./backup-under-load.ts"
import { backingUp, restoring } from "./copying-scenes.ts"
import { play, triesOf } from "./scene.ts"

export const crashInBackup: Torture = {
  name: "crash in backup",
  promise:
    "a backup that is there is whole, and a restore that was killed leaves the old store or the new one",
  async run(trial) {
    const isLong = trial.effort === "long"
    await backUpUnderLoad(trial, isLong ? 30 : 1)
    const tries = await triesOf(trial, { changes: 50, times: 5 })
    for (const replaces of isLong ? [true, false] : [trial.seed % 2 === 0]) {
      await play(backingUp(replaces, trial.executable), trial, tries)
      await play(restoring(replaces, trial.executable), trial, tries)
    }
  },
}
