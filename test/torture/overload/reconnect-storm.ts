import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Torture, Trial } from "../torture.ts"
import { affordable } from "./affordable.ts"
import { endWell } from "./end-well.ts"
import { LoadProcess } from "./load-process.ts"
import type { ReconnectStormSaid, ReconnectStormTask } from "./reconnect-storm-load.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024

const sizes = {
  long: { clients: 1_000, rounds: 60, messages: 5 },
  short: { clients: 100, rounds: 5, messages: 5 },
} as const

export const reconnectStorm: Torture = {
  name: "overload reconnect storm",
  promise:
    "a thousand sessions are taken over at once, again and again, and none is doubled, none loses a message",
  async run(trial) {
    const directory = mkdtempSync(join(tmpdir(), "bantam-storm-"))
    try {
      const broker = await WatchedBroker.serving({
        program: [trial.executable],
        words: [...watchedWords, "--set", `storage.directory=${directory}`],
      })
      await stormed(broker, trial)
      await endWell(broker, trial)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function stormed(broker: WatchedBroker, trial: Trial): Promise<void> {
  const { rounds, messages, ...size } = sizes[trial.effort]
  // While it is taken over a session has two connections.
  const clients = Math.floor(affordable(2 * size.clients, trial) / 2)
  const watch = await Watch.begin(broker, trial, "fresh")
  const task: ReconnectStormTask = { port: broker.port("tcp"), seed: trial.seed, clients, rounds, messages }
  using load = LoadProcess.start<ReconnectStormSaid>("reconnect-storm-load.ts", task, trial)
  await load.says("prepared")
  load.tell("storm")
  const { takeovers, published, delivered, ...found } = await load.says("stormed")
  trial.figure("sessions taken over", takeovers)
  trial.figure("messages published at QoS 1", published)
  trial.figure("messages delivered", delivered)
  trial.figure("delivered again", found.again)
  trial.bounded("acknowledged and lost", found.lost, 0)
  trial.bounded("published and never delivered", published - delivered, 0)
  trial.bounded("sessions doubled", found.doubled, 0)
  trial.timed("longest until all were back (ms)", found.longestStormMs, 10_000)
  for (const fault of found.faults) trial.wrong(fault)

  if (broker.all("session taken over").length === 0) trial.wrong("the log tells of no takeover")
  load.tell("leave")
  await load.says("left")
  await load.ended()
  // Whoever comes back says all again that was not acknowledged on the connection it has now: a thousand at once.
  await watch.end({ roundTripMs: 2_000, growthBytes: 512 * mebibyte, keptBytes: 160 * mebibyte })
  const counted = watch.state.value("clients/taken-over")
  trial.bounded("takeovers not counted", Math.abs(takeovers - counted), 0)
}
