import type { Publish } from "../../src/protocol/packet.ts"

/** What is known of a topic that was seen. */
export interface SeenTopic {
  readonly topic: string
  readonly messages: number
  readonly lastAt: Date
  /** Its payload may be cut to `longestKeptBytes`. */
  readonly last: Publish
  /** Bytes of the last payload before it was cut. */
  readonly lastBytes: number
}

const mostTopics = 10_000
const longestKeptBytes = 64 * 1024
const mostKeptBytes = 32 * 1024 * 1024

/**
 * The topics of messages that came, with the last one each. Beyond 10,000 topics, or 32 MiB of payloads, those that
 * were seen first are forgotten.
 */
export class SeenTopics {
  readonly #topics = new Map<string, SeenTopic>()
  readonly #mostTopics: number
  #keptBytes = 0
  #forgotten = 0

  constructor(most = mostTopics) {
    this.#mostTopics = most
  }

  get size(): number {
    return this.#topics.size
  }

  /** How many topics there was no room for. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** Hot. */
  take(publish: Publish, at: Date): void {
    const { topic, payload } = publish
    const before = this.#topics.get(topic)
    // A part of a chunk would keep all of it alive.
    const kept = new Uint8Array(payload.subarray(0, longestKeptBytes))
    this.#keptBytes += kept.length - (before?.last.payload.length ?? 0)
    this.#topics.set(topic, {
      topic,
      messages: (before?.messages ?? 0) + 1,
      lastAt: at,
      last: { ...publish, payload: kept },
      lastBytes: payload.length,
    })
    while (this.#topics.size > this.#mostTopics || this.#keptBytes > mostKeptBytes) this.#forgetOne()
  }

  get(topic: string): SeenTopic | undefined {
    return this.#topics.get(topic)
  }

  names(): IterableIterator<string> {
    return this.#topics.keys()
  }

  values(): IterableIterator<SeenTopic> {
    return this.#topics.values()
  }

  #forgetOne(): void {
    const [first] = this.#topics.values()
    if (first === undefined) return
    this.#topics.delete(first.topic)
    this.#keptBytes -= first.last.payload.length
    this.#forgotten += 1
  }
}
