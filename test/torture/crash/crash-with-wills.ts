import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Torture } from "../torture.ts"
import { WillRun } from "./will-run.ts"

export const crashWithWills: Torture = {
  name: "crash with wills",
  promise:
    "a will that was stored comes once after kill -9, not before its delay is over, and not when its client is back in time",
  async run(trial) {
    const folder = mkdtempSync(join(tmpdir(), "bantam-wills-"))
    const run = new WillRun(trial, join(folder, "store"))
    try {
      await run.prepare()
      const rounds = trial.effort === "long" ? 12 : 1
      for (let round = 1; round <= rounds; round++) await run.round(round)
      run.report(rounds)
    } finally {
      await run.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
