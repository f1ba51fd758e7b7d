import type { TopicRow } from "./reading.ts"

/** After so long a message counts half. */
const halfLifeMs = 5_000
const usualCapacity = 1_000

interface Entry {
  /** Messages and bytes, each the less the longer ago it came. */
  weight: number
  byteWeight: number
  /** Since the last reading. */
  recent: number
  recentBytes: number
  messages: number
}

/**
 * The loudest topics, in a table of bounded size: when twice as many topics stand there as it is for, the quieter half
 * is forgotten. A topic that is loud enough comes back and stays.
 */
export class TopicRates {
  readonly #entries = new Map<string, Entry>()
  readonly #capacity: number
  readonly #beganMs: number
  #readMs: number

  /** @param nowMs of the clock that `read` is told */
  constructor(nowMs: number, capacity = usualCapacity) {
    this.#capacity = capacity
    this.#beganMs = nowMs
    this.#readMs = nowMs
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * Hot.
   *
   * @param bytes of all the messages together
   */
  count(topic: string, bytes: number, messages = 1): void {
    let entry = this.#entries.get(topic)
    if (entry === undefined) {
      if (this.#entries.size >= 2 * this.#capacity) this.#forgetQuieter()
      entry = { weight: 0, byteWeight: 0, recent: 0, recentBytes: 0, messages: 0 }
      this.#entries.set(topic, entry)
    }
    entry.recent += messages
    entry.recentBytes += bytes
    entry.messages += messages
  }

  /** Averages of the last seconds; a topic that is even has its true rate from the first reading on. */
  read(nowMs: number): readonly TopicRow[] {
    const elapsedMs = nowMs - this.#readMs
    this.#readMs = nowMs
    const rest = 2 ** (-elapsedMs / halfLifeMs)
    // As if what came since the last reading had come evenly.
    const share = elapsedMs <= 0 ? 0 : (1 - rest) / (elapsedMs / 1000)
    // The seconds before we began to look were silent for us alone.
    const looked = 1 - 2 ** (-(nowMs - this.#beganMs) / halfLifeMs)
    const rows: TopicRow[] = []
    for (const [topic, entry] of this.#entries) {
      entry.weight = entry.weight * rest + entry.recent * share
      entry.byteWeight = entry.byteWeight * rest + entry.recentBytes * share
      entry.recent = 0
      entry.recentBytes = 0
      rows.push({
        topic,
        messagesPerSecond: looked === 0 ? 0 : entry.weight / looked,
        bytesPerSecond: looked === 0 ? 0 : entry.byteWeight / looked,
        messages: entry.messages,
      })
    }
    return rows
  }

  #forgetQuieter(): void {
    const loudness = ({ weight, recent }: Entry) => weight + recent
    const sorted = [...this.#entries].toSorted(([, one], [, other]) => loudness(other) - loudness(one))
    for (const [topic] of sorted.slice(this.#capacity)) this.#entries.delete(topic)
  }
}
