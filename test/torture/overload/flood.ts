import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { FaultyDisk } from "../disk/faulty-disk.ts"
import type { Effort, Torture, Trial } from "../torture.ts"
import { LoadProcess } from "./load-process.ts"
import { Watch, type WatchBounds, watchedWords } from "./watch.ts"

/** What the load is told. */
export interface FloodTask {
  readonly port: number
  readonly effort: Effort
  readonly seed: number
}

/** What it says when it is over. */
export interface FloodReport {
  readonly did: "flooded"
  readonly figures: Readonly<Record<string, number>>
  /** Promises that were broken before its eyes. */
  readonly wrong: readonly string[]
}

/** A broker in a flood: who pours it out, and what must be seen of it. */
export interface Flood {
  readonly name: string
  readonly promise: string
  /** The file of the load. */
  readonly load: string
  /** Settings, as in `limits.in_flight=1`. */
  settings(effort: Effort): readonly string[]
  bounds(effort: Effort): WatchBounds
  /**
   * Where it keeps its sessions and messages: in memory unless told. Each sync of a slow disk takes a second until the
   * broker has said that the disk is behind, and in a long trial for a while after that: how soon it says so of a disk as it
   * is, and how far it falls behind, depends on the disk and on who else writes to it. Needs `gcc`; without it the disk is
   * as it is.
   */
  readonly keeps?: "on disk" | "on a slow disk"
  /** How the flood is seen afterwards: counts under `$SYS` that have grown, and sentences in the log. */
  readonly seen: { readonly counts: readonly string[]; readonly lines: readonly string[] }
  /** Before the watch begins, on the same store: the broker is started once more after it. */
  readonly before?: string
}

/** Lets a load process flood a broker under watch, and looks whether the broker stays what it is. */
export function floodTorture(flood: Flood): Torture {
  const { name, promise } = flood
  return { name, promise, run: (trial) => runFlood(flood, trial) }
}

async function runFlood(flood: Flood, trial: Trial): Promise<void> {
  const { effort, seed } = trial
  const directory = mkdtempSync(join(tmpdir(), "bantam-flood-"))
  using disk =
    flood.keeps === "on a slow disk" ? await FaultyDisk.make({ seed, recording: false }) : undefined
  const data = disk?.directory ?? join(directory, "store")
  const store = flood.keeps === undefined ? ["--ephemeral"] : ["--data", data]
  const settings = flood.settings(effort).flatMap((setting) => ["--set", setting])
  const words = [...watchedWords, ...store, ...settings]
  const options = { program: [trial.executable], words, env: disk?.env ?? {} }
  try {
    if (flood.before !== undefined) {
      const earlier = await WatchedBroker.serving(options)
      await pour(flood.before, earlier, trial)
      await endWell(earlier, trial)
    }
    const startedAt = performance.now()
    const broker = await WatchedBroker.serving(options)
    if (flood.before !== undefined) {
      trial.figure("start with what was kept (ms)", performance.now() - startedAt)
    }
    const watch = await Watch.begin(broker, trial)
    const before = new Map(flood.seen.counts.map((count) => [count, watch.state.value(count)]))
    if (disk !== undefined) slowUntilBehind(disk, broker, effort)
    await pour(flood.load, broker, trial)
    await watch.end(flood.bounds(effort))
    for (const [count, value] of before) {
      const more = watch.state.value(count) - value
      trial.figure(`more of ${count}`, more)
      if (!(more > 0)) trial.wrong(`the flood is not counted as ${count}`)
    }
    for (const line of flood.seen.lines) {
      if (broker.all(line).length === 0) trial.wrong(`the log never says "${line}"`)
    }
    await endWell(broker, trial)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const slowSyncMs = 1_000
/** From when the disk is behind. */
const staysSlowMs = { short: 0, long: 5_000 }

function slowUntilBehind(disk: FaultyDisk, broker: WatchedBroker, effort: Effort): void {
  disk.slow(slowSyncMs)
  const heal = () => setTimeout(() => disk.heal(), staysSlowMs[effort])
  // Should it never say so, that is found out when all is poured.
  broker.says("the disk is behind").then(heal, heal)
}

async function pour(file: string, broker: WatchedBroker, trial: Trial): Promise<void> {
  const { effort, seed } = trial
  trial.tell(`${file.replace("-load.ts", "")}: it pours`)
  const task: FloodTask = { port: broker.port("tcp"), effort, seed }
  using load = LoadProcess.start<FloodReport>(file, task, trial)
  const { figures, wrong } = await load.says("flooded")
  await load.ended()
  for (const [name, value] of Object.entries(figures)) trial.figure(name, value)
  for (const what of wrong) trial.wrong(what)
}

async function endWell(broker: WatchedBroker, trial: Trial): Promise<void> {
  const code = await broker.stop()
  if (code !== 0) trial.wrong(`the broker ended with ${code}`)
  for (const line of broker.lines) {
    if (line.level === "error" || line.level === "none")
      trial.wrong(`the broker said: ${JSON.stringify(line)}`)
  }
}
