import { ProtocolError } from "../../../src/protocol/protocol-error.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { type Conversation, corpus, corpusLine } from "./corpus.ts"
import { Decoders, rewritten } from "./decoders.ts"
import { alsoTaken } from "./second-opinion.ts"
import { Mutator } from "./mutator.ts"

/** So many are tried before we say how far we are. */
const slice = 2_000

export const fuzzDecoders: Torture = {
  name: "protocol fuzz decoders",
  promise:
    "no bytes make a decoder throw what is no ProtocolError, take long, or disagree with another decoder",
  async run(trial) {
    const fuzz = new DecoderFuzz(trial)
    fuzz.tryOrigins()
    const inputs = trial.effort === "long" ? 4_000_000 : 20_000
    const { stackTraceLimit } = Error
    // Most of the time would go into stacks that nobody looks at.
    Error.stackTraceLimit = 0
    try {
      for (let tried = 0; tried < inputs; tried += slice) {
        for (let each = 0; each < slice; each++) fuzz.tryNext()
        if (tried % 500_000 === 0) trial.tell(`${tried} of ${inputs} inputs, ${fuzz.behaviours} behaviours`)
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
    fuzz.report(inputs)
  },
}

/** One fuzzer in this process: what did something new is mutated further. */
export class DecoderFuzz {
  readonly #trial: Trial
  readonly #random: Random
  readonly #decoders = new Decoders()
  readonly #mutator: Mutator
  readonly #origins: readonly Conversation[]
  readonly #signatures = new Set<string>()
  #inputs = 0
  #bytes = 0
  #accepted = 0
  #refused = 0
  #inRuns = 0
  #opinions = 0
  #longestMs = 0

  constructor(trial: Trial) {
    this.#trial = trial
    this.#random = new Random(trial.seed)
    this.#origins = corpus()
    this.#mutator = new Mutator(this.#random, this.#origins)
  }

  get behaviours(): number {
    return this.#signatures.size
  }

  tryOrigins(): void {
    for (const origin of this.#origins) this.tryOne(origin)
  }

  /** @returns the conversation that was tried, if it did something new */
  tryNext(): Conversation | undefined {
    const conversation = this.#mutator.next()
    if (!this.tryOne(conversation)) return undefined
    this.#mutator.keep(conversation)
    return conversation
  }

  /** @returns whether it did something new */
  tryOne(conversation: Conversation): boolean {
    const stream = Buffer.concat(conversation.packets)
    // Of the processor: what else goes on on this machine is not the decoders' doing.
    const before = process.cpuUsage().user
    try {
      return this.#examine(stream, conversation)
    } catch (error) {
      this.#trial.wrong(
        `${error instanceof Error ? error.message : String(error)}: ${corpusLine("-", conversation)}`,
      )
      return false
    } finally {
      this.#inputs += 1
      this.#bytes += stream.length
      this.#longestMs = Math.max(this.#longestMs, (process.cpuUsage().user - before) / 1000)
    }
  }

  /** @param least how many inputs there were to be */
  report(least: number): void {
    const trial = this.#trial
    trial.atLeast("conversations in the corpus", this.#origins.length, 1)
    trial.atLeast("inputs", this.#inputs, least)
    trial.figure("bytes", this.#bytes)
    trial.figure("packets taken", this.#accepted)
    trial.figure("packets refused", this.#refused)
    trial.figure("packets read in runs", this.#inRuns)
    trial.figure("packets that mqtt-packet takes, too", this.#opinions)
    trial.figure("behaviours", this.#signatures.size)
    trial.timed("longest input (ms of processor time)", this.#longestMs, 250)
    // A fuzzer that is understood by nobody, or by everybody, finds nothing.
    if (this.#accepted < this.#inputs / 4) trial.wrong("hardly a packet is taken")
    if (this.#refused < this.#inputs / 10) trial.wrong("hardly a packet is refused")
  }

  #examine(stream: Uint8Array, { version }: Conversation): boolean {
    const random = this.#random
    const reading = this.#decoders.read(stream, version)
    this.#decoders.readInPieces(
      stream,
      version,
      reading,
      random.oneIn(8) ? "byte by byte" : "at random",
      random,
    )
    this.#inRuns += this.#decoders.readInRuns(stream, version, reading)
    const before = this.#signatures.size
    for (const signature of reading.signatures) this.#signatures.add(signature)
    const isNew = this.#signatures.size > before
    for (const frame of reading.frames) {
      const { outcome } = frame
      if (outcome instanceof ProtocolError) {
        this.#refused += 1
        continue
      }
      this.#accepted += 1
      if (isNew || random.oneIn(4)) rewritten(outcome, version)
      if (isNew || random.oneIn(16)) this.#opinions += alsoTaken(frame, outcome, version) ? 1 : 0
    }
    return isNew
  }
}
