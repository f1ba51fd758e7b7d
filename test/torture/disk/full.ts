import { type Disk, growthLimit, smallDisk } from "../../failure/disk.ts"
import { Random } from "../crash/random.ts"
import type { Torture } from "../torture.ts"
import { readStore } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

export const fullDisk: Torture = {
  name: "disk full",
  promise:
    "a disk that fills up and gets room again and again costs refusals, and nothing that was acknowledged",
  async run(trial) {
    const random = new Random(trial.seed)
    const cycles = trial.effort === "long" ? 40 : 1
    const small = smallDisk()
    if (small === undefined) {
      trial.tell("a small disk cannot be mounted here: only a limit of the system stands for one")
      trial.figure("skipped", 1)
    }
    const disks: readonly Disk[] = small === undefined ? [growthLimit()] : [small, growthLimit()]
    for (const disk of disks) {
      using _ = disk
      const load = new StoreLoad(disk.directory, random, { shell: disk.shell, mostBytes: 100 })
      const broker = await load.serving()
      try {
        const work = await load.begin(broker)
        for (let cycle = 0; cycle < cycles; cycle++) {
          await work.until(20 + random.below(20))
          await disk.fill(broker)
          await load.refused(broker)
          await disk.free(broker)
          await work.until(1)
          trial.count("times full and free again")
        }
        await broker.kill()
        await work.end()
      } finally {
        await broker.kill()
      }
      trial.count("messages acknowledged", load.witness.accepted)
      trial.count("messages refused", load.witness.refused)
      const { found, wrong, errors } = await readStore(disk.directory, "full")
      for (const each of [...errors, ...wrong, ...load.ledger.wrong(found, 0)]) trial.wrong(each)
    }
  },
}
