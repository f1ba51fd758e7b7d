import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defaultBacklog } from "../../../src/storage/sqlite/sqlite-store.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Effort, Torture, Trial } from "../torture.ts"
import { endWell } from "./end-well.ts"
import { LoadProcess } from "./load-process.ts"
import {
  type ReaderFigures,
  readerKinds,
  type SlowReadersSaid,
  type SlowReadersTask,
} from "./slow-readers-load.ts"
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
      const readers = await withSlowReaders(broker, trial)
      await endWell(broker, trial)
      await compareLedger(readers, directory, trial)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function withSlowReaders(broker: WatchedBroker, trial: Trial): Promise<readonly LossesOfReader[]> {
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
  for (const { name, outOfOrder, received: each } of readers) {
    const sum = each[0] + each[1]
    received += sum
    trial.tell(`${name}: ${sum} of ${2 * messages}`)
    if (outOfOrder > 0) trial.wrong(`${name}: ${outOfOrder} twice or out of order`)
    if (sum === 0) trial.wrong(`${name}: nothing was kept`)
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
  return readers.map((reader) => lossesOf(reader, messages))
}

/** What one reader lost, by reason. */
interface LossesOfReader {
  readonly clientId: string
  readonly losses: Readonly<Record<string, number>>
}

/** At QoS 0 a message is for now or never; what waits, at QoS 1, gives way where there is no more room. */
function lossesOf({ clientId, qos, received }: ReaderFigures, messages: number): LossesOfReader {
  const [first, second] = [messages - received[0], messages - received[1]]
  const losses =
    qos === 0 ? { "slow-receiver": first + second } : { "slow-receiver": first, "queue-full": second }
  return { clientId, losses }
}

/** The broker has stopped. What `bantam drops` says is what its clients know that they have lost, and no more. */
async function compareLedger(
  readers: readonly LossesOfReader[],
  directory: string,
  trial: Trial,
): Promise<void> {
  const asking = Bun.spawn({
    cmd: [trial.executable, "drops", "--data", directory, "--since", "1h", "--json"],
    stderr: "inherit",
  })
  const rows = JSON.parse(await asking.stdout.text()) as readonly LedgerRow[]
  const wrong: string[] = []
  for (const { clientId, losses } of readers) {
    for (const [reason, lost] of Object.entries(losses)) {
      const told = sumOf(rows.filter((row) => row.client === clientId && row.reason === reason))
      if (told !== lost) wrong.push(`${clientId} lost ${lost} (${reason}), and the ledger says ${told}`)
    }
  }
  const all = readers.reduce(
    (sum, { losses }) => sum + Object.values(losses).reduce((one, more) => one + more),
    0,
  )
  const more = sumOf(rows) - all
  if (more !== 0) wrong.push(`the ledger has ${more} more than were lost`)
  trial.bounded("losses of which the ledger is wrong", wrong.length, 0)
  for (const each of wrong) trial.wrong(each)
}

interface LedgerRow {
  readonly client: string | null
  readonly reason: string
  readonly messages: number
}

function sumOf(rows: readonly LedgerRow[]): number {
  return rows.reduce((sum, { messages }) => sum + messages, 0)
}

/** What was dropped for the reasons that a slow reader gives. */
function dropsOf({ state }: Watch): number {
  return (
    state.value("publish/messages/dropped/slow-receiver") + state.value("publish/messages/dropped/queue-full")
  )
}
