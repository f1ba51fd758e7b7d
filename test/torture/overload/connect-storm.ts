import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Effort, Torture, Trial } from "../torture.ts"
import { watchedClients } from "./broker-state.ts"
import { affordable } from "./affordable.ts"
import type { ConnectStormSaid, ConnectStormTask } from "./connect-storm-load.ts"
import { LoadProcess } from "./load-process.ts"
import { backlogOverflows } from "./process-figures.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024

interface Size {
  readonly callers: number
  /** Storms that all find room; then comes one of which so many do not. */
  readonly storms: number
  readonly tooMany: number
}

const sizes = {
  long: { callers: 5_000, storms: 20, tooMany: 3_000 },
  short: { callers: 1_500, storms: 1, tooMany: 300 },
} as const satisfies Record<Effort, Size>

export const connectStorm: Torture = {
  name: "overload connect storm",
  promise:
    "thousands who connect at once are let in, or turned away where they are too many; nobody is left hanging",
  async run(trial) {
    const { storms, ...size } = sizes[trial.effort]
    const tooMany = size.tooMany
    const callers = affordable(size.callers + tooMany, trial) - tooMany
    const broker = await WatchedBroker.serving({
      program: [trial.executable],
      words: ["--ephemeral", ...watchedWords, "--set", `limits.connections=${callers + watchedClients}`],
    })
    const watch = await Watch.begin(broker, trial, "fresh")
    const overflowsBefore = backlogOverflows()
    let longestMs = 0
    for (let storm = 1; storm <= storms; storm++) {
      const { served, ...answered } = await stormed(broker, callers, trial)
      longestMs = Math.max(longestMs, answered.longestMs)
      if (served < callers) trial.wrong(`${callers - served} were not let in, where there was room`)
    }
    const { served, closed, ...last } = await stormed(broker, callers + tooMany, trial)
    // A SYN that finds the backlog full is sent again after a second, then after two and four.
    trial.timed("longest until an answer (ms)", Math.max(longestMs, last.longestMs), 10_000)
    trial.figure("backlog overflows on this machine", backlogOverflows() - overflowsBefore)
    if (served !== callers) trial.wrong(`${served} were let in, where there was room for ${callers}`)
    const told = broker.all("a connection was turned away").length
    if (told === 0) trial.wrong("the log tells of nobody turned away")
    await watch.end({ roundTripMs: 2_000, growthBytes: 256 * mebibyte, keptBytes: 128 * mebibyte })
    const counted = watch.state.value("connections/turned-away/full")
    trial.bounded("turned away and not counted", Math.abs(closed - counted), 0)
    await broker.stop()
    trial.bounded("bugs in the log", broker.lines.filter(({ level }) => level === "error").length, 0)
  },
}

interface Answers {
  readonly served: number
  readonly closed: number
  readonly longestMs: number
}

async function stormed(broker: WatchedBroker, callers: number, trial: Trial): Promise<Answers> {
  const task: ConnectStormTask = { port: broker.port("tcp"), callers }
  using load = LoadProcess.start<ConnectStormSaid>("connect-storm-load.ts", task, trial)
  const { outcomes, seconds, longestMs } = await load.says("stormed")
  const { served, refused, closed } = outcomes
  trial.count("connections", callers)
  trial.count("let in", served)
  trial.count("turned away", closed)
  if (refused > 0) trial.wrong(`${refused} got a CONNACK that refuses them`)
  trial.tell(`${callers} at once: ${served} let in, ${closed} turned away in ${seconds.toFixed(2)} s`)
  load.tell("leave")
  await load.says("left")
  await load.ended()
  return { served, closed, longestMs }
}
