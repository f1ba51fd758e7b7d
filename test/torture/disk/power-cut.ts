import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { DiskImage } from "./disk-image.ts"
import { type JournalRecord, readJournal } from "./disk-journal.ts"
import { FaultyDisk, noCompiler } from "./faulty-disk.ts"
import { scratchFolder } from "./scratch.ts"
import { outOfOrder, readStore } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

export const powerCut: Torture = {
  name: "disk power cut",
  promise:
    "with durability full a power cut at any moment loses nothing that was acknowledged, and needs no recovery",
  async run(trial) {
    const random = new Random(trial.seed)
    const { runs, cuts, messages, broker } =
      trial.effort === "long"
        ? { runs: 4, cuts: 300, messages: 600, broker: 20 }
        : { runs: 1, cuts: 28, messages: 200, broker: 2 }
    let made = 0
    for (let run = 1; run <= runs; run++) {
      using disk = await FaultyDisk.make({ seed: trial.seed, recording: true })
      if (disk === undefined) return trial.skipped(noCompiler)
      const load = new StoreLoad(disk.directory, random, { env: disk.env, position: () => disk.journalBytes })
      for (const end of ["kill", "stop", "kill"] as const) await load.life(messages, end)
      trial.count("messages acknowledged", load.witness.accepted)
      trial.count("promises", load.ledger.acknowledged)
      made += await cutAnywhere(trial, load, disk.journal, random, cuts, broker)
      trial.tell(`run ${run} of ${runs}: ${made} cuts so far`)
    }
    trial.atLeast("power cuts", made, runs * cuts)
  },
}

/** Replays what the disk was told, and cuts the power at chosen places on the way. @returns how many cuts were made */
async function cutAnywhere(
  trial: Trial,
  load: StoreLoad,
  journal: string,
  random: Random,
  cuts: number,
  withBroker: number,
): Promise<number> {
  const records = readJournal(journal)
  const folder = scratchFolder()
  let cut = 0
  let isAllRight = true
  try {
    const chosen = chooseCuts(records, random, cuts)
    const image = new DiskImage()
    for (const [index, { position, change }] of records.entries()) {
      image.apply(change)
      for (; chosen[cut] === index; cut++) {
        const directory = join(folder, `store-${cut}`)
        image.cut(directory, random)
        const where = `cut behind record ${index} of ${records.length} (${change.change})`
        const isForBroker = cut % Math.ceil(cuts / withBroker) === 0
        const isRight = await checkCut(trial, load, directory, position, where, isForBroker)
        if (isAllRight && !isRight) keep(trial, directory, journal)
        isAllRight &&= isRight
        rmSync(directory, { recursive: true })
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return cut
}

/** Anywhere, where the database itself is written, where it is synced or names change, and where the broker has started. */
function chooseCuts(records: readonly JournalRecord[], random: Random, cuts: number): number[] {
  const indexes = [...records.keys()]
  const isWrite = (index: number) => records[index]?.change.change === "write"
  const logs = new Set<number>()
  for (const { change } of records)
    if (change.change === "enter" && change.name.endsWith("-wal")) logs.add(change.file)
  const beside = indexes.filter((index) => {
    const change = records[index]?.change
    return change?.change === "write" && !logs.has(change.file)
  })
  const rare = indexes.filter((index) => !isWrite(index) && records[index]?.change.change !== "log-index")
  // What a killed broker left is taken up by the next one.
  const starts = indexes.filter((index) => {
    const change = records[index]?.change
    return change?.change === "enter" && change.name === "bantam.db"
  })
  const soon = starts.flatMap((start) => indexes.slice(start, start + 300))
  const pools = [indexes, beside, rare, soon]
  return Array.from({ length: cuts }, (_, cut) => {
    const pool = pools[cut % pools.length] ?? indexes
    return pool[random.below(pool.length)] ?? 0
  }).toSorted((one, other) => one - other)
}

/** @returns whether nothing is wrong */
async function checkCut(
  trial: Trial,
  load: StoreLoad,
  directory: string,
  position: number,
  where: string,
  isForBroker: boolean,
): Promise<boolean> {
  try {
    if (isForBroker) await startAndStop(trial, directory, where)
    const { found, wrong, errors, queues } = await readStore(directory, "full")
    const all = [...errors, ...wrong, ...load.ledger.wrong(found, position), ...outOfOrder(queues)]
    for (const what of all) trial.wrong(`${where}: ${what}`)
    return all.length === 0
  } catch (error) {
    trial.wrong(`${where}: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** Chance will hardly leave the same again: for whoever wants to know why, the first of a life and what led to it. */
function keep(trial: Trial, directory: string, journal: string): void {
  const evidence = mkdtempSync(join(tmpdir(), "bantam-power-cut-"))
  cpSync(directory, join(evidence, "store"), { recursive: true })
  copyFileSync(journal, join(evidence, "journal"))
  trial.tell(`what was left is kept in ${evidence}`)
}

async function startAndStop(trial: Trial, directory: string, where: string): Promise<void> {
  const broker = await WatchedBroker.serving({ words: ["--port", "0", "--data", directory] })
  const code = await broker.stop()
  trial.count("brokers started on what was left")
  if (code !== 0) trial.wrong(`${where}: the broker ended with ${code}`)
  for (const { level, message } of broker.lines) {
    // As root, which is said of whoever starts it and not of its store.
    if (message.startsWith("running as root")) continue
    if (level === "error" || level === "warn") trial.wrong(`${where}: the broker says ${message}`)
  }
}
