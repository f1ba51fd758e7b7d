import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../../../src/foundation/clock.ts"
import { payloadStartOf, topicNameOf } from "../../../src/protocol/message-record.ts"
import { openStore } from "../../../src/storage/open-store.ts"
import type { Store } from "../../../src/storage/store.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { silentLog } from "../../support/silent-log.ts"
import type { Effort, Torture, Trial } from "../torture.ts"
import type { FloodReport, FloodTask } from "./flood.ts"
import { LoadProcess } from "./load-process.ts"
import { Probe } from "./probe.ts"
import { RoundTrips } from "./round-trips.ts"
import { Watch, watchedWords } from "./watch.ts"

interface Kept {
  /** Sessions whose clients are away, and the messages that wait for each. */
  readonly absent: number
  readonly waiting: number
  readonly retained: number
}

/** What the store has in it. */
export const kept: Readonly<Record<Effort, Kept>> = {
  short: { absent: 10, waiting: 50, retained: 100 },
  long: { absent: 10, waiting: 1_000, retained: 2_500 },
}
export const payloadBytes = 16 * 1024

const backups: Readonly<Record<Effort, number>> = { short: 1, long: 3 }
const mebibyte = 1024 * 1024

/** A payload that says its number. */
export function numbered(number: number): Uint8Array {
  const payload = Buffer.alloc(payloadBytes, number)
  payload.writeUInt32BE(number)
  return payload
}

export const overloadBackup: Torture = {
  name: "overload backup",
  promise:
    "a backup of a large store, taken while it is served, holds all that was acknowledged before, and nobody waits for it",
  async run(trial) {
    const folder = mkdtempSync(join(tmpdir(), "bantam-backup-"))
    try {
      for (const each of await backUpServed(folder, trial)) await check(each, folder, trial)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Backup {
  readonly file: string
  /** How many numbers were acknowledged before it began. */
  readonly acknowledged: number
}

async function backUpServed(folder: string, trial: Trial): Promise<readonly Backup[]> {
  const directory = join(folder, "store")
  const words = [...watchedWords, "--data", directory]
  const broker = await WatchedBroker.serving({ program: [trial.executable], words })
  await fill(broker, trial)
  const watch = await Watch.begin(broker, trial)
  const numbers = await StoredNumbers.begin(broker.port("tcp"), trial)
  const made: Backup[] = []
  for (let index = 0; index < backups[trial.effort]; index++) {
    await numbers.reaches(20 * (index + 1))
    const backup = { file: join(folder, `backup ${index}`), acknowledged: numbers.acknowledged }
    await backUp(directory, backup.file, trial)
    made.push(backup)
  }
  await numbers.end()
  await watch.end({ roundTripMs: 150, growthBytes: 100 * mebibyte, keptBytes: 60 * mebibyte })
  const code = await broker.stop()
  if (code !== 0) trial.wrong(`the broker ended with ${code}`)
  trial.bounded("bugs in the log", broker.lines.filter(({ level }) => level === "error").length, 0)
  return made
}

async function fill(broker: WatchedBroker, trial: Trial): Promise<void> {
  const task: FloodTask = { port: broker.port("tcp"), effort: trial.effort, seed: trial.seed }
  using load = LoadProcess.start<FloodReport>("backup-load.ts", task, trial)
  const { figures, wrong } = await load.says("flooded")
  await load.ended()
  for (const [name, value] of Object.entries(figures)) trial.figure(name, value)
  for (const what of wrong) trial.wrong(what)
}

async function backUp(directory: string, file: string, trial: Trial): Promise<void> {
  const startedAt = performance.now()
  await command(trial, "backup", file, "--data", directory)
  const ms = performance.now() - startedAt
  trial.tell(`backed up in ${ms.toFixed(0)} ms`)
  trial.count("backups")
  trial.count("backups took together (ms)", ms)
}

/** @throws Error with what it said, when it does not end with 0 */
async function command(trial: Trial, ...words: readonly string[]): Promise<void> {
  const running = Bun.spawn({ cmd: [trial.executable, ...words], stdout: "ignore", stderr: "pipe" })
  const [said, code] = await Promise.all([running.stderr.text(), running.exited])
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${said}`)
}

const absentClient = "away"
const numbersTopic = "numbers"

/**
 * Publishes numbers from 1 on to a session whose client is away, one at a time: each is acknowledged once it is on the
 * disk.
 */
class StoredNumbers {
  readonly #port: number
  readonly #trial: Trial
  readonly #probe: Probe
  readonly #trips: RoundTrips
  #last = 0
  #reached: { readonly count: number; go(): void } | undefined

  private constructor(port: number, trial: Trial, probe: Probe) {
    this.#port = port
    this.#trial = trial
    this.#probe = probe
    this.#trips = new RoundTrips((number) => {
      this.#last = number
      probe.publish(numbersTopic, numbered(number))
    })
  }

  static async begin(port: number, trial: Trial): Promise<StoredNumbers> {
    const lost = (who: string) => () => trial.wrong(`${who} lost its connection`)
    const owner = { took: () => {}, lost: lost("who is going away") }
    const absent = await Probe.connect(port, absentClient, owner, { isLasting: true })
    await absent.subscribe(numbersTopic, 1)
    await absent.leave()
    const probe = await Probe.connect(port, "numbers", {
      took: () => numbers.#acknowledged(),
      lost: lost("who publishes numbers"),
    })
    const numbers = new StoredNumbers(port, trial, probe)
    numbers.#trips.start()
    return numbers
  }

  /** All up to this one. */
  get acknowledged(): number {
    return this.#trips.count
  }

  async reaches(count: number): Promise<void> {
    if (this.acknowledged < count) await new Promise<void>((go) => (this.#reached = { count, go }))
  }

  /** Tells what it has seen. Nothing of it remains in the broker. */
  async end(): Promise<void> {
    await this.#trips.stop()
    this.#trial.figure("numbers stored meanwhile", this.acknowledged)
    this.#trial.figure("99 of 100 of them acknowledged within (ms)", this.#trips.p99Ms)
    this.#trial.timed("longest until one was acknowledged (ms)", this.#trips.longestMs, 1_000)
    await this.#probe.leave()
    const nobody = { took: () => {}, lost: () => {} }
    const last = await Probe.connect(this.#port, absentClient, nobody)
    await last.leave()
  }

  #acknowledged(): void {
    this.#trips.came(this.#last)
    if (this.#reached === undefined || this.acknowledged < this.#reached.count) return
    this.#reached.go()
    this.#reached = undefined
  }
}

/** Restores it elsewhere, and looks at all that is in it. */
async function check({ file, acknowledged }: Backup, folder: string, trial: Trial): Promise<void> {
  const directory = join(folder, "restored")
  await command(trial, "restore", file, "--data", directory)
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  try {
    await checkSessions(store, acknowledged, trial)
    await checkRetained(store, trial)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

async function checkSessions(store: Store, acknowledged: number, trial: Trial): Promise<void> {
  const { absent, waiting } = kept[trial.effort]
  const missing = new Set([absentClient, ...Array.from({ length: absent }, (_, index) => `absent-${index}`)])
  for await (const { record, journal } of store.sessions()) {
    const { clientId } = record
    if (!missing.delete(clientId)) trial.wrong(`the backup has a session of ${clientId}`)
    const queue = await journal.queue(0, 1_000_000)
    if (!queue.every(({ publish }, index) => isWhole(publish.message.payload, index + 1))) {
      trial.wrong(`${clientId}: what waits in the backup is not what was published, in its order`)
    }
    const isRight = clientId === absentClient ? queue.length >= acknowledged : queue.length === waiting
    const expected = clientId === absentClient ? `${acknowledged} or more` : waiting
    if (!isRight) trial.wrong(`${clientId}: ${queue.length} wait in the backup, and not ${expected}`)
  }
  if (missing.size > 0) trial.wrong(`not in the backup: sessions of ${[...missing].join(", ")}`)
}

async function checkRetained(store: Store, trial: Trial): Promise<void> {
  let count = 0
  for await (const records of store.retained()) {
    for (const record of records) {
      const topic = topicNameOf(record)
      count += 1
      if (!isWhole(record.subarray(payloadStartOf(record)), Number(topic.slice("retained/".length)))) {
        trial.wrong(`${topic}: what is retained in the backup is not what was published`)
      }
    }
  }
  const { retained } = kept[trial.effort]
  if (count !== retained) trial.wrong(`${count} are retained in the backup, and not ${retained}`)
}

function isWhole(payload: Uint8Array, number: number): boolean {
  return Buffer.compare(payload, numbered(number)) === 0
}
