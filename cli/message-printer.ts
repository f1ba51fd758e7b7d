import type { Publish } from "../src/protocol/packet.ts"
import { describeReasonCode, isError } from "../src/protocol/reason-code.ts"
import {
  parseTopicFilter,
  parseTopicName,
  type TopicFilter,
  topicMatches,
  wireTopicLimits,
} from "../src/protocol/topic.ts"
import type { ByteOutput } from "./byte-output.ts"
import type { ClientRun } from "./client-run.ts"
import type { MannerName } from "./manner.ts"
import {
  FormatError,
  type MessageFormat,
  NoJson,
  parseFormat,
  payloadFormat,
  Unprintable,
  verboseFormat,
} from "./message-format.ts"
import { CommandError } from "./output.ts"
import type { PrintOptions } from "./print-options.ts"
import { watchFormat } from "./watch-format.ts"

/** How messages are printed, and whether there is a reason of its own to want no more. */
export interface PrintingWay {
  readonly format: MessageFormat
  readonly isEnough?: () => boolean
}

/** Prints what is to be printed, counts it, and knows when it has seen enough. */
export class MessagePrinter {
  /** Resolves at the last message wanted, when what follows from it is done. */
  readonly over: Promise<void>

  readonly #options: PrintOptions
  readonly #manner: MannerName
  readonly #output: ByteOutput
  readonly #way: PrintingWay
  readonly #filteredOut: readonly TopicFilter[]
  readonly #removals = new Set<Promise<unknown>>()
  readonly #enough = Promise.withResolvers<void>()
  readonly #rate: ReturnType<typeof setInterval> | undefined
  #isOver = false
  #printed = 0
  /** Messages since the rate was printed last. */
  #recently = 0

  /** @param way as the options say, unless told */
  constructor(
    options: PrintOptions,
    manner: MannerName,
    output: ByteOutput,
    way: PrintingWay = { format: formatOf(options, manner) },
  ) {
    this.#options = options
    this.#manner = manner
    this.#output = output
    this.#way = way
    this.#filteredOut = (options.filterOut ?? []).map(filteredOut)
    this.over = this.#enough.promise.then(async () => void (await Promise.all(this.#removals)))
    if (options.retainedOnly === true && options.hideRetained === true) {
      throw new CommandError("-R and --retained-only exclude each other")
    }
    if (options.messageRate === true) this.#rate = setInterval(() => this.#printRate(), 1000)
  }

  /** Nothing comes any more. */
  end(): void {
    clearInterval(this.#rate)
  }

  /** Hot. What comes after the last message wanted stays unacknowledged, so a session keeps it. */
  take(publish: Publish, run: ClientRun): void {
    if (this.#isOver || this.#way.isEnough?.() === true) return
    run.client.acknowledge(publish)
    const { retainedOnly, hideRetained, removeRetained, count } = this.#options
    if (retainedOnly === true && !publish.retain) return this.#stop(run)
    if (this.#filteredOut.length > 0 && this.#isFilteredOut(publish.topic)) return
    if (removeRetained === true && publish.retain && publish.payload.length > 0) this.#remove(publish, run)
    if (hideRetained === true && publish.retain) return
    if (this.#isLeftToChance()) return
    if (this.#rate === undefined) this.#print(publish, run)
    else this.#recently += 1
    this.#printed += 1
    if (this.#printed === count) this.#stop(run)
  }

  #print(publish: Publish, run: ClientRun): void {
    const position = this.#output.position
    try {
      this.#way.format(publish, new Date(), this.#output)
    } catch (error) {
      if (!(error instanceof Unprintable)) throw error
      this.#output.rollBack(position)
      const isTheirs = error instanceof NoJson && this.#manner === "mosquitto"
      run.warn(isTheirs ? `Error: Message payload is not valid JSON on topic ${error.topic}.` : error.message)
    }
  }

  #isLeftToChance(): boolean {
    const { randomFilter } = this.#options
    return randomFilter !== undefined && Math.random() * 100 >= randomFilter
  }

  #printRate(): void {
    this.#output.text(`${this.#recently}\n`)
    this.#recently = 0
  }

  #isFilteredOut(text: string): boolean {
    const topic = parseTopicName(text, wireTopicLimits)
    return topic !== undefined && this.#filteredOut.some((filter) => topicMatches(filter, topic))
  }

  #remove({ topic }: Publish, run: ClientRun): void {
    const removal = run.client
      .publish({ topic, payload: new Uint8Array(0), qos: 1, retain: true })
      .then(({ reasonCode }) => {
        if (!isError(reasonCode)) return
        const sentence = `retained message on ${topic} not removed: ${describeReasonCode(reasonCode)}`
        run.fail({ sentence, exitCode: reasonCode })
      })
      // A connection that ends is reported once, by the run.
      .catch(() => {})
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  /** With nothing to wait for, nothing more is even read. */
  #stop(run: ClientRun): void {
    this.#isOver = true
    this.#enough.resolve()
    if (this.#removals.size === 0) void run.sayGoodbye()
  }
}

/** What -F, -v, -N, --pretty and -w make of a message; without them, its payload alone. */
export function formatOf(options: PrintOptions, manner: MannerName): MessageFormat {
  if (options.watch !== true) return layoutOf(options, options.omitNewline !== true, manner)
  return watchFormat(layoutOf({ verbose: true, ...options }, false, manner), process.stdout.rows ?? 24)
}

function layoutOf(
  { format, verbose, pretty }: PrintOptions,
  newline: boolean,
  manner: MannerName,
): MessageFormat {
  if (format === undefined) return verbose === true ? verboseFormat(newline, manner) : payloadFormat(newline)
  try {
    return parseFormat(format, { newline, manner, pretty: pretty === true })
  } catch (error) {
    if (error instanceof FormatError) throw new CommandError(`-F ${format}: ${error.message}`)
    throw error
  }
}

function filteredOut(text: string): TopicFilter {
  const filter = parseTopicFilter(text, wireTopicLimits)
  if (filter !== undefined) return filter
  throw new CommandError(`-T ${text}: in a topic filter + fills a whole level, and # the last one`)
}
