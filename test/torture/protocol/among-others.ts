import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Trial } from "../torture.ts"
import { Bystander } from "./bystander.ts"
import { crowdOf } from "./pieces.ts"
import { figuresOf } from "./process-figures.ts"
import { HonestPair } from "./round-trips.ts"
import { unhurried } from "./unhurried.ts"

/** A broker of its own, and what becomes of others there. */
export interface Stage {
  /** Behind `serve`, besides the listeners. */
  readonly words: readonly string[]
  /** What a bystander listens to, and must never hear of. */
  readonly filter: string
  /** Behind the names of its figures; empty where there is but one broker. */
  readonly of: string
}

const atATime = 32
/** So much may the heap of a runtime that collects when it likes differ between two quarters. */
const memoryBoundMiB = 64
const listeners = ["--ephemeral", "--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"]

/**
 * Makes attempts of misbehaviour, many at once, on a broker that serves others meanwhile: they must not notice, and it
 * must keep nothing of it. What is wrong is told to the trial.
 *
 * @param attemptsOn all of them, in their order
 * @param tried makes one. @returns what was wrong; undefined: nothing
 * @throws Error when an honest client waits in vain
 */
export async function tryAmongOthers<Attempt>(
  trial: Trial,
  { words, filter, of }: Stage,
  attemptsOn: (broker: WatchedBroker) => readonly Attempt[],
  tried: (attempt: Attempt) => Promise<string | undefined>,
): Promise<void> {
  const broker = await WatchedBroker.serving({ words: [...listeners, ...unhurried, ...words] })
  const bystander = await Bystander.of(broker, filter)
  // The bystander may listen to everything, and would hear of nothing else.
  using pair = await HonestPair.begin(broker.port("tcp"), "$honest/pair")
  const attempts = attemptsOn(broker)
  // Those who are never answered are waited for in each part anew.
  const perPart = Math.ceil(attempts.length / (trial.effort === "long" ? 4 : 1))
  const residentMiB: number[] = []
  for (let start = 0; start < attempts.length; start += perPart) {
    await crowdOf(attempts.slice(start, start + perPart), atATime, async (attempt) => {
      const wrong = await tried(attempt)
      if (wrong !== undefined) trial.wrong(wrong)
    })
    residentMiB.push(figuresOf(broker.pid).residentMiB)
  }
  const { count, longestMs, lost } = await pair.end()
  if (lost !== undefined) trial.wrong(`the honest pair${of}: ${lost}`)
  trial.figure(`round trips of the honest pair${of}`, count)
  trial.timed(`longest round trip${of} (ms)`, longestMs, 1_000)
  if (trial.effort === "long") {
    const [first = Number.NaN] = residentMiB
    const last = residentMiB.at(-1) ?? Number.NaN
    trial.figure(`memory after the first quarter${of} (MiB)`, first)
    trial.bounded(`memory grown since${of} (MiB)`, last - first, memoryBoundMiB)
  }
  const complaint = await bystander.complaint()
  if (complaint !== undefined) trial.wrong(complaint)
  for (const { message, error } of broker.all("bug")) trial.wrong(`${message}: ${String(error)}`)
  trial.bounded(`exit code${of}`, (await broker.stop()) ?? 255, 0)
}
