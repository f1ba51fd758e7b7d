import { bytesText } from "../number-text.ts"
import { counted, grouped } from "../quantities.ts"

/** What the line at the bottom says. */
export interface Figures {
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  readonly messages: number
  readonly topics: number
  /** There were more topics than are remembered. */
  readonly topicsOverflow: boolean
  /** Came, and are not shown. */
  readonly hidden: number
}

/** More topics than a person counts, and some megabytes at most. */
const mostTopics = 20_000

interface Reading {
  readonly atMs: number
  readonly messages: number
  readonly bytes: number
}

/** Counts messages. What came per second is that of the last second, or as far back as it was read. */
export class RateMeter {
  readonly #topics = new Set<string>()
  #overflow = false
  #messages = 0
  #bytes = 0
  #hidden = 0
  #readings: Reading[] = []

  constructor(nowMs: number) {
    this.#readings = [{ atMs: nowMs, messages: 0, bytes: 0 }]
  }

  /** Hot. */
  count(topic: string, bytes: number): void {
    this.#messages += 1
    this.#bytes += bytes
    if (this.#topics.size < mostTopics) this.#topics.add(topic)
    else this.#overflow ||= !this.#topics.has(topic)
  }

  /** One of those that were counted is not shown. */
  hide(): void {
    this.#hidden += 1
  }

  /** To be asked some times a second. */
  read(nowMs: number): Figures {
    const before = this.#readings.findLast(({ atMs }) => nowMs - atMs >= 1000) ?? this.#readings[0]
    const { atMs = nowMs, messages = 0, bytes = 0 } = before ?? {}
    const seconds = Math.max(nowMs - atMs, 1000) / 1000
    this.#readings = this.#readings.filter((reading) => reading === before || reading.atMs > atMs)
    this.#readings.push({ atMs: nowMs, messages: this.#messages, bytes: this.#bytes })
    return {
      messagesPerSecond: (this.#messages - messages) / seconds,
      bytesPerSecond: (this.#bytes - bytes) / seconds,
      messages: this.#messages,
      topics: this.#topics.size,
      topicsOverflow: this.#overflow,
      hidden: this.#hidden,
    }
  }
}

/** The figures in so many columns at most: the last ones are left out first. */
export function rateLine(figures: Figures, columns: number): string {
  const { messagesPerSecond, bytesPerSecond, messages, topics, topicsOverflow, hidden } = figures
  const parts = [
    `${grouped(Math.round(messagesPerSecond))} msg/s`,
    `${bytesText(bytesPerSecond)}/s`,
    ...(hidden > 0
      ? [`${grouped(hidden)} of ${counted(messages, "message")} not shown`]
      : [counted(messages, "message")]),
    topicsOverflow ? `more than ${counted(topics, "topic")}` : counted(topics, "topic"),
  ]
  let line = parts[0] ?? ""
  for (const part of parts.slice(1)) {
    if (line.length + part.length + 3 > columns) break
    line += ` · ${part}`
  }
  return line
}
