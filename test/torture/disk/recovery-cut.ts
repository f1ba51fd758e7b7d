import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "../../../src/storage/store-error.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { copyData } from "../../support/copy-data.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { DiskImage } from "./disk-image.ts"
import { type DiskChange, readJournal } from "./disk-journal.ts"
import { FaultyDisk, noCompiler } from "./faulty-disk.ts"
import { scratchFolder } from "./scratch.ts"
import { faultsOf, type Owed, SoundStore } from "./sound-store.ts"
import { readStore, type StoreContent } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

/** With the ends of the broker's lives before it. */
const harms = {
  "a database that was cut off": [
    ["stop"],
    (directory: string) => {
      const path = join(directory, "bantam.db")
      truncateSync(path, Math.floor(statSync(path).size * 0.9))
    },
  ],
  "a log that is broken at its beginning": [
    // All that the second life has written is behind what is broken: what can be saved is of the first.
    ["stop", "kill"],
    (directory: string) => {
      const path = join(directory, "bantam.db-wal")
      const bytes = readFileSync(path)
      // Not further back, for there may lie what an earlier round of the log has left.
      for (let at = 1000; at < 1512; at++) bytes[at] = (bytes[at] ?? 0) ^ 0xff
      writeFileSync(path, bytes)
    },
  ],
} as const satisfies Record<string, readonly [readonly ("stop" | "kill")[], (directory: string) => void]>

export const recoveryCut: Torture = {
  name: "disk recovery cut",
  promise: "a power cut in the midst of a recovery costs nothing that the recovery would have saved",
  async run(trial) {
    const random = new Random(trial.seed)
    const { cuts, messages } =
      trial.effort === "long" ? { cuts: 150, messages: 300 } : { cuts: 8, messages: 60 }
    let made = 0
    for (const [what, [ends, harm]] of Object.entries(harms)) {
      using disk = await FaultyDisk.make({ seed: trial.seed, recording: true })
      if (disk === undefined) return trial.skipped(noCompiler)
      const load = new StoreLoad(disk.directory, random, { mostBytes: 3000 })
      for (const end of ends) await load.life(messages, end)
      const sound = `${disk.directory}.sound`
      copyData(disk.directory, sound)
      harm(disk.directory)
      const owed = await (await SoundStore.of(sound)).owedBy(disk.directory)
      const before = made
      made += await cutRecovery(trial, disk, owed, random, cuts, what)
      trial.tell(`${what}: ${made - before} cuts`)
    }
    trial.atLeast("power cuts", made, cuts * Object.keys(harms).length)
  },
}

/** @returns how many cuts were made */
async function cutRecovery(
  trial: Trial,
  disk: FaultyDisk,
  owed: Owed | undefined,
  random: Random,
  cuts: number,
  what: string,
): Promise<number> {
  const image = imageOf(disk.directory)
  const words = ["--port", "0", "--data", disk.directory, "--recover"]
  const broker = await WatchedBroker.serving({ words, env: disk.env })
  const isNeeded = broker.all("this was saved of it").length === 1
  await broker.kill()
  if (!isNeeded) {
    trial.wrong(`${what} needs no recovery`)
    return 0
  }
  const records = readJournal(disk.journal)
  const saved = await readStore(disk.directory, "full")
  // What is compared with it is worth something only if it is all that can be saved.
  if (owed === undefined || saved.found.size === 0) {
    trial.wrong(`${what} leaves nothing to be saved`)
    return 0
  }
  for (const fault of faultsOf(owed, saved.found)) trial.wrong(`${what}, undisturbed: ${fault}`)
  trial.count("things saved, each time", saved.found.size)
  // What is written changes nothing yet: where the names change, it is decided.
  const rare = [...records.keys()].filter((index) => changesNames(records[index]?.change.change))
  const chosen = Array.from({ length: cuts }, (_, cut) =>
    cut % 2 === 0 ? random.below(records.length) : (rare[random.below(rare.length)] ?? 0),
  ).toSorted((one, other) => one - other)
  const folder = scratchFolder()
  let cut = 0
  try {
    for (const [index, { change }] of records.entries()) {
      image.apply(change)
      for (; chosen[cut] === index; cut++) {
        const directory = join(folder, `store-${cut}`)
        image.cut(directory, random)
        await compare(trial, directory, saved, `${what}, cut behind record ${index} (${change.change})`)
        rmSync(directory, { recursive: true })
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return cut
}

function changesNames(change: DiskChange["change"] | undefined): boolean {
  return change === "enter" || change === "remove" || change === "rename" || change === "sync-directory"
}

/** What was on the disk before anything was recorded is there for certain. */
function imageOf(directory: string): DiskImage {
  const image = new DiskImage()
  for (const name of readdirSync(directory)) {
    // A killed broker has left it, and it is no file to be read.
    if (name === "admin.sock") continue
    const path = join(directory, name)
    const file = statSync(path).ino
    image.apply({ change: "enter", name, file })
    image.apply({ change: "write", file, offset: 0, bytes: readFileSync(path) })
    image.apply({ change: "sync", file })
    if (name === "bantam.db-shm")
      image.apply({ change: "log-index", head: readFileSync(path).subarray(0, 136) })
  }
  image.apply({ change: "sync-directory" })
  return image
}

async function compare(trial: Trial, directory: string, saved: StoreContent, where: string): Promise<void> {
  try {
    const { found, wrong, errors } = await openOrRecover(trial, directory)
    for (const each of [...wrong, ...errors]) trial.wrong(`${where}: ${each}`)
    const lost = [...saved.found].filter(([key, value]) => found.get(key) !== value)
    if (lost.length > 0) trial.wrong(`${where}: ${lost.length} things are lost, such as ${lost[0]?.[0]}`)
  } catch (error) {
    trial.wrong(`${where}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function openOrRecover(trial: Trial, directory: string): Promise<StoreContent> {
  try {
    return await readStore(directory, "full")
  } catch (error) {
    if (!(error instanceof StoreError) || !error.damaged) throw error
    trial.count("recovered again")
    return readStore(directory, "full", true)
  }
}
