import { type Disk, growthLimit, smallDisk } from "../../failure/disk.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { readStore } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

export const fullDisk: Torture = {
  name: "disk full",
  promise:
    "a disk that fills up and gets room again and again costs refusals, and nothing that was acknowledged",
  async run(trial) {
    const random = new Random(trial.seed)
    const { disks, cycles } = trial.effort === "long" ? { disks: 8, cycles: 6 } : { disks: 1, cycles: 1 }
    let filled = 0
    for (let number = 1; number <= disks; number++) {
      // Room enough for all that is published: it is full when it is filled, and not for good.
      const small = smallDisk(64)
      if (small === undefined) {
        trial.skipped("a small disk cannot be mounted here, only a limit of the system stands for one")
      } else filled += await fillAgain(trial, small, random, cycles)
      filled += await fillAgain(trial, growthLimit(), random, cycles)
      trial.tell(`${number} of ${disks}`)
    }
    // With the small disks it is twice as often.
    trial.atLeast("times full and free again", filled, disks * cycles)
  },
}

/** @returns how often it was full and got room again */
async function fillAgain(trial: Trial, place: Disk, random: Random, cycles: number): Promise<number> {
  using disk = place
  const load = new StoreLoad(disk.directory, random, { shell: disk.shell, mostBytes: 100 })
  const broker = await load.serving()
  let filled = 0
  try {
    const work = await load.begin(broker)
    for (let cycle = 0; cycle < cycles; cycle++) {
      await work.until(20 + random.below(20))
      await disk.fill(broker)
      await load.refused(broker)
      await disk.free(broker)
      await work.until(1)
      filled += 1
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
  return filled
}
