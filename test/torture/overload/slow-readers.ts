import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defaultBacklog } from "../../../src/storage/sqlite/sqlite-store.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Effort, Torture, Trial } from "../torture.ts"
import { LoadProcess } from "./load-process.ts"
import { readerKinds, type SlowReadersSaid, type SlowReadersTask } from "./slow-readers-load.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024
const payloadBytes = 16 * 1024

interface Budget {
  readonly publishedBytes: number
  /** What one reader may have waiting: the broker is told so. */
  readonly queuedBytes: number
  readonly bufferBytes: number
  /** Garbage, and what the runtime keeps in reserve. */
  readonly slackBytes: number
}

const budgets = {
  long: {
    publishedBytes: 1_000 * mebibyte,
    queuedBytes: 8 * mebibyte,
    bufferBytes: mebibyte,
    slackBytes: 96 * mebibyte,
  },
  short: {
    publishedBytes: 48 * mebibyte,
    queuedBytes: mebibyte,
    bufferBytes: mebibyte / 4,
    slackBytes: 64 * mebibyte,
  },
} as const satisfies Record<Effort, Budget>

export const slowReaders: Torture = {
  name: "overload slow readers",
  promise:
    "who does not read costs what the settings say, loses what they say, and stops nobody who publishes",
  async run(trial) {
    const directory = mkdtempSync(join(tmpdir(), "bantam-slow-"))
    const { queuedBytes, bufferBytes } = budgets[trial.effort]
    const settings = [
      `limits.queued_bytes=${queuedBytes}`,
      `limits.write_buffer_bytes=${bufferBytes}`,
      `storage.directory=${directory}`,
    ]
    const words = [...watchedWords, ...settings.flatMap((setting) => ["--set", setting])]
    try {
      const broker = await WatchedBroker.serving({ program: [trial.executable], words })
      await withSlowReaders(broker, trial)
      await broker.stop()
      trial.bounded("bugs in the log", broker.lines.filter(({ level }) => level === "error").length, 0)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function withSlowReaders(broker: WatchedBroker, trial: Trial): Promise<void> {
  const { publishedBytes, queuedBytes, bufferBytes, slackBytes } = budgets[trial.effort]
  const watch = await Watch.begin(broker, trial, "fresh")
  const messages = publishedBytes / payloadBytes / 2
  const task: SlowReadersTask = { port: broker.port("tcp"), messages, payloadBytes }
  using load = LoadProcess.start<SlowReadersSaid>("slow-readers-load.ts", task, trial)
  const published = await load.says("published")
  trial.figure("published (MiB)", publishedBytes / mebibyte)
  trial.figure("published (MiB/s)", publishedBytes / mebibyte / published.seconds)
  trial.timed("longest wait of a publisher (ms)", published.longestWaitMs, 2_000)
  trial.tell(`published in ${published.seconds.toFixed(1)} s; now they read`)

  load.tell("read")
  const { readers, seconds } = await load.says("read")
  trial.tell(`read in ${seconds.toFixed(1)} s`)
  await load.ended()
  let received = 0
  for (const { name, ...reader } of readers) {
    received += reader.received
    trial.tell(`${name}: ${reader.received} of ${2 * messages}`)
    if (reader.outOfOrder > 0) trial.wrong(`${name}: ${reader.outOfOrder} twice or out of order`)
    if (reader.received === 0) trial.wrong(`${name}: nothing was kept`)
  }
  trial.figure("delivered afterwards", received)
  const told = new Set(broker.all("message dropped").map(({ client }) => client))
  trial.bounded("readers whose losses the log does not tell", readers.length - told.size, 0)
  // The buffer is a power of two, so up to twice of what it holds.
  const readersBytes = readerKinds.reduce((sum, { qos }) => sum + 2 * bufferBytes + qos * queuedBytes, 0)
  // What waits for the disk is there as messages, and packed for the writer.
  const growthBytes = readersBytes + 2 * defaultBacklog.bytes + slackBytes
  await watch.end({ roundTripMs: 1_000, growthBytes, keptBytes: growthBytes })
  const dropped = dropsOf(watch)
  trial.figure("dropped and counted", dropped)
  const unaccounted = 2 * messages * readers.length - received - dropped
  trial.bounded("lost without being counted", Math.abs(unaccounted), 0)
}

/** What was dropped for the reasons that a slow reader gives. */
function dropsOf({ state }: Watch): number {
  return (
    state.value("publish/messages/dropped/slow-receiver") + state.value("publish/messages/dropped/queue-full")
  )
}
