import type { Hook } from "./broker/hook.ts"
import type { Clock, Timer } from "./foundation/clock.ts"
import type { DropReason } from "./foundation/counters.ts"
import { cut, errorText, type Log } from "./foundation/log.ts"
import type { Drops, DropStore } from "./storage/drop-store.ts"

/** Drops are gathered for so long before they are written. */
const gatheringMs = 1_000
/** Of each gathering; what is beyond ends as one row for each reason, of nobody in particular. */
const mostRows = 500
/** Topics of which the beginning is kept at hand. Longer ones are cut anew each time, so that bytes are bounded too. */
const mostPrefixes = 4_096
const longestKeptTopic = 512
/** Longest texts of strangers that are kept, in UTF-16 units. */
const longestPrefix = 128
const longestClientId = 256

/**
 * Writes down who lost how many messages, why, and under which topics. A million drops a second cost some look-ups each,
 * and end as a few rows of the hour. While the store takes none they are kept, and tried again.
 */
export class DropLedger {
  readonly #store: Pick<DropStore, "addDrops">
  readonly #clock: Clock
  readonly #log: Log
  /** By client, then by beginning of the topic, as a chain of reasons. */
  #rows = new Map<string, Map<string, Row>>()
  #rowCount = 0
  #rest = new Map<DropReason, Row>()
  readonly #prefixes = new Map<string, string>()
  /** Where the last one was counted: in a flood it is the next one's as well. */
  #last: { readonly clientId: string; readonly topic: string; readonly row: Row } | undefined
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #state: "well" | "failing" = "well"
  #isClosed = false

  constructor(store: Pick<DropStore, "addDrops">, clock: Clock, log: Log) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** What is held: rows, and topics whose beginning is known. */
  get size(): number {
    return this.#rowCount + this.#rest.size + this.#prefixes.size
  }

  listen(hook: Hook): void {
    hook.onEvent("message-dropped", ({ clientId, why, topic, messages, bytes }) =>
      this.add(clientId, why, topic ?? "", messages, bytes),
    )
  }

  /**
   * Hot.
   *
   * @param topic empty: not known, or several
   */
  add(clientId: string, why: DropReason, topic: string, messages: number, bytes: number): void {
    const now = this.#clock.wall()
    const last = this.#last
    if (last !== undefined && last.row.why === why && last.topic === topic && last.clientId === clientId) {
      last.row.add(now, messages, bytes)
      return
    }
    const row = this.#rowOf(clientId, why, this.#prefixOf(topic), now)
    row.add(now, messages, bytes)
    this.#last = { clientId, topic, row }
  }

  /** Writes what waits. Nothing may be dropped afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#writing
    if (this.#hasRows) await this.#write()
  }

  get #hasRows(): boolean {
    return this.#rowCount > 0 || this.#rest.size > 0
  }

  #prefixOf(topic: string): string {
    const known = this.#prefixes.get(topic)
    if (known !== undefined) return known
    const prefix = topicPrefix(topic)
    if (topic.length > longestKeptTopic) return prefix
    if (this.#prefixes.size >= mostPrefixes) this.#prefixes.clear()
    this.#prefixes.set(topic, prefix)
    return prefix
  }

  #rowOf(clientId: string, why: DropReason, prefix: string, now: number): Row {
    const prefixes = this.#rows.get(clientId)
    const first = prefixes?.get(prefix)
    for (let row = first; row !== undefined; row = row.next) {
      if (row.why === why) return row
    }
    this.#arm()
    if (this.#rowCount >= mostRows) {
      let rest = this.#rest.get(why)
      if (rest === undefined) this.#rest.set(why, (rest = new Row("", why, "", now, undefined)))
      return rest
    }
    this.#rowCount += 1
    const row = new Row(clientId, why, prefix, now, first)
    if (prefixes === undefined) this.#rows.set(clientId, new Map([[prefix, row]]))
    else prefixes.set(prefix, row)
    return row
  }

  /** A store that takes its time is not asked for more: meanwhile the gathering goes on. */
  #arm(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#writing !== undefined) return
    this.#timer = this.#clock.at(this.#clock.now() + gatheringMs, () => {
      this.#timer = undefined
      this.#writing = this.#write().then(() => {
        this.#writing = undefined
        if (this.#hasRows) this.#arm()
      })
    })
  }

  async #write(): Promise<void> {
    const rows = this.#take()
    try {
      await this.#store.addDrops(rows.map((row) => row.toDrops()))
      this.#state = "well"
    } catch (error) {
      const why = errorText(error)
      if (this.#state === "well") this.#log.error("what was dropped cannot be written down", { why })
      this.#state = "failing"
      for (const row of rows) this.#putBack(row)
    }
  }

  #take(): Row[] {
    const rows = [...this.#rest.values()]
    for (const prefixes of this.#rows.values()) {
      for (const first of prefixes.values()) {
        for (let row: Row | undefined = first; row !== undefined; row = row.next) rows.push(row)
      }
    }
    this.#rows = new Map()
    this.#rowCount = 0
    this.#rest = new Map()
    this.#last = undefined
    return rows
  }

  #putBack({ clientId, why, prefix, firstMs, lastMs, messages, bytes }: Row): void {
    const row = this.#rowOf(clientId, why, prefix, firstMs)
    row.firstMs = Math.min(row.firstMs, firstMs)
    row.add(Math.max(row.lastMs, lastMs), messages, bytes)
  }
}

/** Drops of one client, reason and beginning of topics, and behind them those that differ in the reason. */
class Row {
  readonly clientId: string
  readonly why: DropReason
  readonly prefix: string
  readonly next: Row | undefined
  firstMs: number
  lastMs: number
  messages = 0
  bytes = 0

  constructor(clientId: string, why: DropReason, prefix: string, nowMs: number, next: Row | undefined) {
    this.clientId = clientId
    this.why = why
    this.prefix = prefix
    this.firstMs = nowMs
    this.lastMs = nowMs
    this.next = next
  }

  add(nowMs: number, messages: number, bytes: number): void {
    this.lastMs = nowMs
    this.messages += messages
    this.bytes += bytes
  }

  toDrops(): Drops {
    const { why, prefix, firstMs, lastMs, messages, bytes } = this
    return { clientId: cut(this.clientId, longestClientId), why, prefix, firstMs, lastMs, messages, bytes }
  }
}

/** The first two levels, or the whole when there are no more. */
function topicPrefix(topic: string): string {
  const first = topic.indexOf("/")
  const second = first < 0 ? -1 : topic.indexOf("/", first + 1)
  return cut(second < 0 ? topic : topic.slice(0, second), longestPrefix)
}
