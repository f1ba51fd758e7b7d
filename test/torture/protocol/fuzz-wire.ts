import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { type Conversation, corpus, corpusLine } from "./corpus.ts"
import { Leftovers } from "./leftovers.ts"
import { Mutator } from "./mutator.ts"
import { figuresOf } from "./process-figures.ts"
import { HonestPair } from "./round-trips.ts"
import { unhurried } from "./unhurried.ts"
import { saidTo } from "./wire-conversation.ts"

const atATime = 32
const mostWrongs = 3
/** Queues of sleepers are bounded, or what strangers leave behind would be memory that nothing has leaked. */
const settings = ["limits.queued_messages=16", "mqtt.sys_interval_seconds=1"]
/** So much may the heap of a runtime that collects when it likes differ between two rounds. */
const memoryBoundMiB = 64

export const fuzzWire: Torture = {
  name: "protocol fuzz wire",
  promise:
    "whatever strangers send, the broker answers by the book, serves others meanwhile, and keeps nothing of it",
  async run(trial) {
    const directory = mkdtempSync(join(tmpdir(), "bantam-fuzz-"))
    const words = ["--set", `storage.directory=${directory}`, "--port", "0"]
    const sets = settings.flatMap((setting) => ["--set", setting])
    const broker = await WatchedBroker.serving({
      words: [...words, ...sets, ...unhurried, "--allow-anonymous"],
    })
    try {
      await storm(trial, broker)
      for (const { message, error } of broker.all("bug")) trial.wrong(`${message}: ${String(error)}`)
      trial.bounded("exit code", (await broker.stop()) ?? 255, 0)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function storm(trial: Trial, broker: WatchedBroker): Promise<void> {
  const [rounds, perRound] = trial.effort === "long" ? [6, 40_000] : [2, 1_500]
  const port = broker.port("tcp")
  const leftovers = await Leftovers.of(broker)
  const fuzzers = Array.from({ length: atATime }, (_, index) => new WireFuzzer(trial, leftovers, port, index))
  const before = figuresOf(broker.pid)
  using pair = await HonestPair.begin(port)
  let first = before
  const each = Math.ceil(perRound / atATime)
  for (let round = 1; round <= rounds; round++) {
    await Promise.all(fuzzers.map((fuzzer) => fuzzer.converse(each)))
    await leftovers.clear()
    const after = figuresOf(broker.pid)
    if (round === 1) first = after
    trial.tell(
      `round ${round}: ${leftovers.sessions} sessions and ${leftovers.topics} topics cleared away, ` +
        `${after.residentMiB.toFixed(0)} MiB, ${after.files} files`,
    )
  }
  const { count, longestMs, lost } = await pair.end()
  if (lost !== undefined) trial.wrong(`the honest pair: ${lost}`)
  const last = figuresOf(broker.pid)
  trial.atLeast("conversations in the corpus", corpus().length, 1)
  const conversations = fuzzers.reduce((sum, { conversations }) => sum + conversations, 0)
  // One who was wronged again and again has stopped before.
  trial.atLeast("conversations", conversations, rounds * each * atATime)
  trial.figure(
    "behaviours",
    fuzzers.reduce((sum, { behaviours }) => sum + behaviours, 0),
  )
  trial.atLeast("round trips of the honest pair", count, rounds)
  trial.timed("longest round trip (ms)", longestMs, 1_000)
  trial.figure("memory after the first round (MiB)", first.residentMiB)
  trial.bounded("memory grown since (MiB)", last.residentMiB - first.residentMiB, memoryBoundMiB)
  const left = await leftovers.leftAtLast()
  trial.figure("sessions cleared away", leftovers.sessions)
  trial.figure("topics cleared away", leftovers.topics)
  trial.bounded("sessions left", left.sessions, 0)
  trial.bounded("subscriptions left", left.subscriptions, 0)
  trial.bounded("retained messages left", left.retained, 0)
  trial.bounded("files left open", (await leftovers.filesAtLast(before.files)) - before.files, 0)
}

/** Has one conversation after the other; what was answered in a new way is mutated further. */
class WireFuzzer {
  readonly #trial: Trial
  readonly #leftovers: Leftovers
  readonly #port: number
  readonly #name: Uint8Array
  readonly #random: Random
  readonly #mutator: Mutator
  readonly #signatures = new Set<string>()
  #wrongs = 0
  conversations = 0

  constructor(trial: Trial, leftovers: Leftovers, port: number, index: number) {
    this.#trial = trial
    this.#leftovers = leftovers
    this.#port = port
    this.#name = Buffer.from(`f${String(index).padStart(3, "0")}`)
    this.#random = new Random(trial.seed * 1_000 + index)
    this.#mutator = new Mutator(this.#random, corpus())
  }

  get behaviours(): number {
    return this.#signatures.size
  }

  /** One who is wronged again and again stops, for each wrong may have been waited for. */
  async converse(times: number): Promise<void> {
    for (let time = 0; time < times && this.#wrongs < mostWrongs; time++)
      await this.#one(this.#mutator.next())
  }

  async #one(conversation: Conversation): Promise<void> {
    const stream = Buffer.concat(conversation.packets)
    // Most call themselves by a name of their own; the others take each other's sessions over.
    if (!this.#random.oneIn(8)) rename(stream, this.#name)
    const target = { scheme: "tcp", host: "127.0.0.1", port: this.#port } as const
    const { answers, wrong, left, topics } = await saidTo(target, stream, this.#random)
    this.conversations += 1
    this.#trial.count("bytes", stream.length)
    this.#leftovers.add(left, topics)
    if (wrong !== undefined) {
      this.#wrongs += 1
      this.#trial.wrong(`${wrong}: ${corpusLine("-", { version: 5, packets: [stream] })}`)
    }
    const signature = `${conversation.version} ${answers.slice(0, 12).map(kindOf).join()}`
    if (this.#signatures.has(signature)) return
    this.#signatures.add(signature)
    this.#mutator.keep(conversation)
  }
}

const commonName = Buffer.from("fuzz")

function rename(stream: Buffer, name: Uint8Array): void {
  for (let at = stream.indexOf(commonName); at >= 0; at = stream.indexOf(commonName, at + 4))
    stream.set(name, at)
}

/** An answer without what tells one message from another. */
function kindOf(answer: string): string {
  return answer.replace(/^(pub\w+|\w*suback) \S+/, "$1")
}
