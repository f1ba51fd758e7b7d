import { type Belt, readFour, stamp } from "../../src/client/belt.ts"
import { Histogram } from "../../cli/bench/histogram.ts"
import { deafListener, type LoadClient } from "../../src/client/load-client.ts"
import type { Latency } from "../load-report.ts"
import { inBatches } from "../loads/in-batches.ts"
import { beltOf, connected } from "./clients.ts"

/*
 * A steady load in a process of its own: pairs of clients, QoS 0, open loop. Each message carries the moment at which
 * it was due, so one that is sent late, because nothing could be sent, counts as late.
 */

/** As JSON in its only argument. */
export interface SteadyOrder {
  readonly port: number
  readonly pairs: number
  /** A publisher takes them in turn; its subscriber has a filter for all of them. */
  readonly topicsPerPair: number
  readonly messagesPerSecond: number
}

/** What it answers to each message: how it went since the one before. Times in microseconds. */
export interface SteadyReport {
  readonly received: number
  readonly latency: Pick<Latency, "p50" | "p99" | "p999" | "maximum">
  /** By how much the load itself was late at most: such latency is not the broker's. */
  readonly sentLate: number
}

/**
 * It sends every millisecond, and not in a hot loop as bench/loads/open-loop.ts does: here the broker needs both cores,
 * and a millisecond does not matter.
 */
const tickMs = 1
/** Due times are told in 32 bits: an hour's worth of microseconds. */
const longestRunMs = 3_600_000

class SteadyLoad {
  readonly #order: SteadyOrder
  readonly #publishers: { readonly client: LoadClient; readonly belt: Belt }[] = []
  readonly #startedMs = performance.now()
  #latencies = new Histogram()
  #received = 0
  #sent = 0
  /** When the next messages are due. */
  #dueMs = 0
  #sentLateMs = 0

  constructor(order: SteadyOrder) {
    this.#order = order
  }

  async connect(): Promise<void> {
    const { port, pairs, topicsPerPair } = this.#order
    await inBatches(pairs, async (pair) => {
      const topics = Array.from({ length: topicsPerPair }, (_, number) => {
        return `steady/${pair}/${String(number).padStart(5, "0")}`
      })
      const [topic = ""] = topics
      const subscriber = await connected(port, `steady-subscriber-${pair}`)
      await subscriber.subscribe([topicsPerPair === 1 ? topic : `steady/${pair}/+`], 0)
      subscriber.tell({ ...deafListener, message: (bytes, start) => this.#take(bytes, start) })
      const client = await connected(port, `steady-publisher-${pair}`)
      this.#publishers.push({ client, belt: beltOf(topics, 0, false, 1) })
    })
  }

  start(): void {
    this.#dueMs = this.#now()
    setTimeout(this.#tick, tickMs)
  }

  report(): SteadyReport {
    const { p50, p99, p999, maximum } = this.#latencies.summary()
    const report = {
      received: this.#received,
      latency: { p50, p99, p999, maximum },
      sentLate: this.#sentLateMs * 1000,
    }
    this.#latencies = new Histogram()
    this.#received = 0
    this.#sentLateMs = 0
    return report
  }

  readonly #tick = (): void => {
    const now = this.#now()
    this.#sentLateMs = Math.max(this.#sentLateMs, now - this.#dueMs)
    const perTick = Math.round((this.#order.messagesPerSecond * tickMs) / 1000)
    for (; this.#dueMs <= now; this.#dueMs += tickMs) {
      for (let each = 0; each < perTick; each++) this.#publish()
    }
    if (now < longestRunMs) setTimeout(this.#tick, tickMs)
  }

  #publish(): void {
    const publisher = this.#publishers[this.#sent % this.#publishers.length]
    publisher?.belt.writeDue(publisher.client.socket.output, this.#dueMs * 1000)
    this.#sent += 1
  }

  #take(bytes: Uint8Array, start: number): void {
    this.#received += 1
    this.#latencies.record(this.#now() * 1000 - readFour(bytes, start + stamp.dueMicroseconds))
  }

  /** Since the start. */
  #now(): number {
    return performance.now() - this.#startedMs
  }
}

if (import.meta.main) {
  const load = new SteadyLoad(JSON.parse(process.argv[2] ?? "{}") as SteadyOrder)
  await load.connect()
  load.start()
  process.on("message", () => process.send?.(load.report()))
  process.on("disconnect", () => process.exit(0))
  process.send?.("running")
}
