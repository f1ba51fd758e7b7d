import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { patiently } from "../patience.ts"
import { StoreLoad } from "./store-load.ts"
import { readStore } from "./store-content.ts"

const harms = {
  "bantam.db is removed": ["bantam.db", (path: string) => rmSync(path)],
  "bantam.db-wal is removed": ["bantam.db-wal", (path: string) => rmSync(path)],
  "bantam.db-shm is removed": ["bantam.db-shm", (path: string) => rmSync(path)],
  "bantam.db is renamed": ["bantam.db", (path: string) => renameSync(path, `${path}.old`)],
  "all files are removed": [
    "",
    (path: string) => {
      for (const name of ["bantam.db", "bantam.db-wal", "bantam.db-shm", "bantam.lock"])
        rmSync(join(path, name))
    },
  ],
  "bantam.db is replaced by a copy": [
    "bantam.db",
    (path: string) => {
      cpSync(path, `${path}.copy`)
      renameSync(`${path}.copy`, path)
    },
  ],
} as const satisfies Record<string, readonly [string, (path: string) => void]>

/** How long a deleted file may go unnoticed where nothing is written. */
const noticedWithinMs = 2000

export const fileDeleted: Torture = {
  name: "disk file deleted",
  promise:
    "a broker whose files are taken away acknowledges nothing more, says so, stops, and puts back what it was entrusted with",
  async run(trial) {
    const random = new Random(trial.seed)
    const rounds = trial.effort === "long" ? 8 : 1
    // In a short trial what is gone alone, and what is gone with everything.
    const chosen = Object.entries(harms).filter((_, index) => trial.effort === "long" || index % 4 === 0)
    let times = 0
    for (let round = 0; round < rounds; round++) {
      for (const [what, [name, harm]] of chosen) {
        await takeAway(trial, random, what, name, harm, round % 2 === 0)
        times += 1
      }
      trial.tell(`${round + 1} of ${rounds} rounds`)
    }
    trial.atLeast("times files were taken away", times, rounds * chosen.length)
  },
}

/** @param underLoad otherwise nobody writes when it happens */
async function takeAway(
  trial: Trial,
  random: Random,
  what: string,
  name: string,
  harm: (path: string) => void,
  underLoad: boolean,
): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), "bantam-deleted-"))
  const directory = join(parent, "store")
  try {
    const load = new StoreLoad(directory, random)
    const broker = await load.serving()
    const work = await load.begin(broker)
    await work.until(20 + random.below(200))
    if (!underLoad) await work.end()
    harm(name === "" ? directory : join(directory, name))
    const harmedAt = performance.now()
    const code = await patiently(broker.ended(), `the broker to end when ${what}`)
    trial.timed("longest until it stopped (ms)", Math.max(performance.now() - harmedAt, 0), noticedWithinMs)
    await work.end()
    if (code !== 1) trial.wrong(`${what}: it ended with ${code}`)
    if (broker.all("the store is lost").length !== 1) trial.wrong(`${what}: it did not say why it stopped`)
    // What somebody else has put there is left where it is.
    const saved = broker.all("what was stored is")[0]?.["what"]
    if (typeof saved !== "string" || !existsSync(saved)) return trial.wrong(`${what}: nothing was put back`)
    if (saved !== join(directory, "bantam.db")) renameSync(saved, join(directory, "bantam.db"))
    const { found, wrong, errors } = await readStore(directory, "full")
    trial.count("messages acknowledged before", load.witness.accepted)
    for (const each of [...errors, ...wrong, ...load.ledger.wrong(found, 1)]) trial.wrong(`${what}: ${each}`)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}
