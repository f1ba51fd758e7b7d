import type { CounterName, Counts, Reading } from "./reading.ts"
import { CounterRates, mapCounts, unknownCounts } from "./counter-rates.ts"

/** Where the counters of Mosquitto stand, and ours, below `$SYS/broker/`. */
const counterTopics = {
  messagesIn: "publish/messages/received",
  messagesOut: "publish/messages/sent",
  bytesIn: "bytes/received",
  bytesOut: "bytes/sent",
  dropped: "publish/messages/dropped",
} as const satisfies Record<CounterName, string>

/** Averages of a minute, by the minute, for as long as there are no two readings. */
const loadTopics = {
  messagesIn: "load/publish/received/1min",
  messagesOut: "load/publish/sent/1min",
  bytesIn: "load/bytes/received/1min",
  bytesOut: "load/bytes/sent/1min",
  dropped: "load/publish/dropped/1min",
} as const satisfies Record<CounterName, string>

const prefix = "$SYS/broker/"
/** More than any broker has; who sends more is none. */
const mostValues = 1_000
const longestValueBytes = 200

type KnownBySys = Pick<
  Reading,
  | "version"
  | "uptimeSeconds"
  | "clients"
  | "sessions"
  | "subscriptions"
  | "retained"
  | "queued"
  | "totals"
  | "rates"
>

/** What a broker publishes of itself under `$SYS/broker/`. */
export class SysValues {
  readonly #values = new Map<string, string>()
  readonly #rates = new CounterRates()
  #reportedSeconds: number | undefined
  #intervalSeconds: number | undefined

  /** Of the broker's reports, in seconds; undefined until there were two, and for a broker that tells nothing. */
  get intervalSeconds(): number | undefined {
    return this.#intervalSeconds
  }

  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  /** @returns whether the message is one of these */
  take(topic: string, payload: Uint8Array): boolean {
    if (!topic.startsWith(prefix)) return topic.startsWith("$SYS/")
    const name = topic.slice(prefix.length)
    if (this.#values.size >= mostValues && !this.#values.has(name)) return true
    this.#values.set(name, Buffer.from(payload.subarray(0, longestValueBytes)).toString("utf8"))
    return true
  }

  /** Another broker may answer from now on, or the same one anew. */
  clear(): void {
    this.#values.clear()
    this.#reportedSeconds = undefined
  }

  read(): KnownBySys {
    const uptimeSeconds = this.#number("uptime")
    const totals = mapCounts((name) => this.#number(counterTopics[name]))
    return {
      version: this.#values.get("version")?.replace(" version ", " "),
      uptimeSeconds,
      clients: this.#number("clients/connected"),
      sessions: this.#number("clients/total"),
      subscriptions: this.#number("subscriptions/count"),
      retained: this.#number("retained messages/count"),
      queued: this.#queued(),
      totals,
      rates: this.#ratesOf(totals, uptimeSeconds),
    }
  }

  /** A report comes at once, and the uptime is in each: by it the broker itself says how long ago the last one was. */
  #ratesOf(totals: Counts, uptimeSeconds: number | undefined): Counts {
    if (uptimeSeconds === undefined) return unknownCounts
    if (this.#reportedSeconds !== undefined && uptimeSeconds > this.#reportedSeconds) {
      this.#intervalSeconds = uptimeSeconds - this.#reportedSeconds
    }
    this.#reportedSeconds = uptimeSeconds
    const rates = this.#rates.read(totals, uptimeSeconds)
    return mapCounts((name) => rates[name] ?? this.#averageOf(name))
  }

  #averageOf(name: CounterName): number | undefined {
    const perMinute = this.#number(loadTopics[name])
    return perMinute === undefined ? undefined : perMinute / 60
  }

  /** Mosquitto counts retained messages there as well. */
  #queued(): number | undefined {
    const stored = this.#number("store/messages/count") ?? this.#number("messages/stored")
    if (stored === undefined || this.#values.get("version")?.startsWith("bantam") === true) return stored
    return Math.max(0, stored - (this.#number("retained messages/count") ?? 0))
  }

  #number(name: string): number | undefined {
    const [digits] = /^-?\d+(\.\d+)?/.exec(this.#values.get(name) ?? "") ?? []
    return digits === undefined ? undefined : Number(digits)
  }
}
