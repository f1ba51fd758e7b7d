import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../../../src/foundation/clock.ts"
import { restore } from "../../../src/storage/backup.ts"
import { openStore } from "../../../src/storage/open-store.ts"
import { NumberedLoad } from "../../failure/numbered-load.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { silentLog } from "../../support/silent-log.ts"
import type { Trial } from "../torture.ts"
import { Random } from "../../support/random.ts"
import { served } from "./served.ts"

/** So many messages are acknowledged before each of the backups. */
const messagesBetween = 300
const backupsEach = 3
/** A backup of this store, on a machine that does nothing else. */
const usualBackupMs = 70

const absent = {
  clientId: "absent",
  cleanStart: false,
  properties: { sessionExpiryInterval: 0xffff_ffff },
} as const

/** A broker serves under load, and either it or the backup of its store is killed at any moment. */
export async function backUpUnderLoad(trial: Trial, rounds: number): Promise<void> {
  const random = new Random(trial.seed)
  const kills = { backups: 0, brokers: 0 }
  for (let round = 1; round <= rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), "bantam-backup-"))
    try {
      await new BackupRound(trial, random, folder, kills).run()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  trial.atLeast("brokers killed beside a backup", kills.brokers, rounds)
  // Some come to their end before; of the two in a short trial it may be both.
  trial.atLeast("backups killed", kills.backups, trial.effort === "long" ? Math.floor(rounds / 2) : 0)
}

interface Kills {
  backups: number
  brokers: number
}

class BackupRound {
  readonly #trial: Trial
  readonly #random: Random
  readonly #directory: string
  readonly #file: string
  readonly #restored: string
  readonly #kills: Kills
  /** What the file holds at least. */
  #backedUp = 0

  constructor(trial: Trial, random: Random, folder: string, kills: Kills) {
    this.#trial = trial
    this.#random = random
    this.#directory = join(folder, "store")
    this.#file = join(folder, "backup")
    this.#restored = join(folder, "restored")
    this.#kills = kills
  }

  async run(): Promise<void> {
    const broker = await WatchedBroker.serving({
      program: [this.#trial.executable],
      words: served(this.#directory).slice(1),
    })
    const reader = await broker.client(absent)
    await reader.subscribe([
      { filter: "news", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    await reader.disconnect()
    const load = new NumberedLoad(await broker.client({ clientId: "publisher" }))
    for (let backup = 1; backup < backupsEach; backup++) {
      await load.reaches(messagesBetween * backup)
      await this.#backUp(load, undefined)
    }
    await load.reaches(messagesBetween * backupsEach)
    await this.#backUp(load, broker)
    await load.end()
    const numbers = await numbersIn(this.#directory)
    if (!areComplete(numbers, load.acknowledged)) {
      this.#trial.wrong(`${load.acknowledged} were acknowledged, and the store has ${summary(numbers)}`)
    }
  }

  /** @param doomed a broker that is killed meanwhile; undefined: the backup is */
  async #backUp(load: NumberedLoad, doomed: WatchedBroker | undefined): Promise<void> {
    const before = load.acknowledged
    const backup = Bun.spawn({
      cmd: [this.#trial.executable, "backup", this.#file, "--data", this.#directory, "--force"],
      stdout: "ignore",
      stderr: "pipe",
    })
    await Bun.sleep(this.#random.below(usualBackupMs))
    if (doomed === undefined) backup.kill("SIGKILL")
    else await this.#kill(doomed)
    const [said, exitCode] = await Promise.all([backup.stderr.text(), backup.exited])
    if (backup.signalCode === "SIGKILL") this.#kills.backups += 1
    if (exitCode === 0) {
      this.#backedUp = before
      this.#trial.count("backups that came to their end")
    } else if (backup.signalCode === null) this.#trial.wrong(`a backup ended with ${exitCode}: ${said}`)
    await this.#check()
  }

  async #kill(broker: WatchedBroker): Promise<void> {
    if (broker.isRunning) this.#kills.brokers += 1
    else this.#trial.wrong(`the broker ended by itself with ${await broker.ended()}`)
    await broker.kill()
  }

  async #check(): Promise<void> {
    if (!existsSync(this.#file)) {
      if (this.#backedUp > 0) this.#trial.wrong("a backup is gone")
      return
    }
    restore(this.#file, this.#restored, true)
    const numbers = await numbersIn(this.#restored)
    if (areComplete(numbers, this.#backedUp)) return
    this.#trial.wrong(`${this.#backedUp} were acknowledged, and the backup has ${summary(numbers)}`)
  }
}

/** @returns what waits for the absent client */
async function numbersIn(directory: string): Promise<readonly number[]> {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  try {
    const [session] = await Array.fromAsync(store.sessions())
    const queue = (await session?.journal.queue(0, 1_000_000)) ?? []
    return queue.map(({ publish }) => Number(Buffer.from(publish.message.payload).toString()))
  } finally {
    await store.close()
  }
}

/** All from 0, in order. */
function areComplete(numbers: readonly number[], atLeast: number): boolean {
  return numbers.length >= atLeast && numbers.every((number, index) => number === index)
}

function summary(numbers: readonly number[]): string {
  return `${numbers.length}, from ${numbers[0]} to ${numbers.at(-1)}`
}
