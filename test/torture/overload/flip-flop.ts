import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Torture, Trial } from "../torture.ts"
import type { FlipFlopSaid, FlipFlopTask } from "./flip-flop-load.ts"
import { endWell } from "./end-well.ts"
import { LoadProcess } from "./load-process.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024

const sizes = {
  long: { clientIds: 5, connections: 200, rounds: 300 },
  short: { clientIds: 3, connections: 100, rounds: 5 },
} as const

export const flipFlop: Torture = {
  name: "overload flip-flop",
  promise:
    "many connections with one client identifier at once end as one, and each is told why it was closed",
  async run(trial) {
    const directory = mkdtempSync(join(tmpdir(), "bantam-race-"))
    try {
      const broker = await WatchedBroker.serving({
        program: [trial.executable],
        words: [...watchedWords, "--set", `storage.directory=${directory}`],
      })
      await raced(broker, trial)
      await endWell(broker, trial)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function raced(broker: WatchedBroker, trial: Trial): Promise<void> {
  const watch = await Watch.begin(broker, trial, "fresh")
  const task: FlipFlopTask = { port: broker.port("tcp"), seed: trial.seed, ...sizes[trial.effort] }
  using load = LoadProcess.start<FlipFlopSaid>("flip-flop-load.ts", task, trial)
  const { connections, told, faults } = await load.says("raced")
  trial.figure("connections", connections)
  trial.figure("told that their session was taken over", told)
  trial.bounded("answers that are wrong", faults.length, 0)
  for (const fault of faults) trial.wrong(fault)

  load.tell("leave")
  await load.says("left")
  await load.ended()
  await watch.end({ roundTripMs: 2_000, growthBytes: 192 * mebibyte, keptBytes: 128 * mebibyte })
  const takenOver = watch.state.value("clients/taken-over")
  trial.figure("sessions taken over", takenOver)
  // Clients of 3.1.1 are told nothing, so there are more.
  trial.bounded("takeovers told and not counted", Math.max(0, told - takenOver), 0)
  if (!(takenOver > 0)) trial.wrong("no session was taken over")
  // Not each of them: a sentence that comes too often is summed up.
  if (broker.all("session taken over").length === 0) trial.wrong("the log tells of no takeover")
}
