import { deafListener, LoadClient } from "../load-client.ts"
import { Latencies } from "./latencies.ts"

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

/** What it answers to each message: how it went since the one before. */
export interface SteadyReport {
  readonly sent: number
  readonly received: number
  readonly percentilesMs: readonly number[]
  readonly maximumMs: number
  /** By how much the load itself was late at most: such latency is not the broker's. */
  readonly ownStallMs: number
}

export const percentiles = [0.5, 0.99, 0.999] as const
const payloadBytes = 64
const tickMs = 1
/** A listener's backlog takes no more. */
const pairsAtOnce = 100

class Publisher {
  readonly #client: LoadClient
  readonly #frames: readonly DataView<ArrayBuffer>[]
  #next = 0

  constructor(client: LoadClient, topics: readonly string[]) {
    this.#client = client
    this.#frames = topics.map(frameOf)
  }

  publish(dueMs: number): void {
    const frame = this.#frames[this.#next]
    this.#next = (this.#next + 1) % this.#frames.length
    if (frame === undefined) return
    frame.setFloat64(frame.byteLength - payloadBytes, dueMs)
    this.#client.socket.output.append(new Uint8Array(frame.buffer))
  }
}

/** A PUBLISH with room for a payload. */
function frameOf(topic: string): DataView<ArrayBuffer> {
  const utf8 = Buffer.from(topic)
  const frame = new Uint8Array(4 + utf8.length + payloadBytes)
  frame.set([0x30, frame.length - 2, 0, utf8.length])
  frame.set(utf8, 4)
  return new DataView(frame.buffer)
}

class SteadyLoad {
  readonly #order: SteadyOrder
  readonly #publishers: Publisher[] = []
  #latencies = new Latencies()
  /** When the next messages are due. */
  #dueMs = 0
  #sent = 0
  #sentBefore = 0
  #lastTickMs = 0
  #ownStallMs = 0

  constructor(order: SteadyOrder) {
    this.#order = order
  }

  async connect(): Promise<void> {
    const { port, pairs, topicsPerPair } = this.#order
    for (let first = 0; first < pairs; first += pairsAtOnce) {
      const size = Math.min(pairsAtOnce, pairs - first)
      const connecting = Array.from({ length: size }, async (_, offset) => {
        const pair = first + offset
        const subscriber = await LoadClient.connect(
          { tcpPort: port },
          { clientId: `steady-subscriber-${pair}` },
        )
        await subscriber.subscribe([topicsPerPair === 1 ? `steady/${pair}/0` : `steady/${pair}/+`], 0)
        subscriber.tell({ ...deafListener, message: (bytes, start) => this.#received(bytes, start) })
        const topics = Array.from({ length: topicsPerPair }, (__, number) => `steady/${pair}/${number}`)
        return new Publisher(
          await LoadClient.connect({ tcpPort: port }, { clientId: `steady-publisher-${pair}` }),
          topics,
        )
      })
      this.#publishers.push(...(await Promise.all(connecting)))
    }
  }

  start(): void {
    this.#dueMs = performance.now()
    this.#lastTickMs = this.#dueMs
    setTimeout(this.#tick, tickMs)
  }

  report(): SteadyReport {
    const latencies = this.#latencies
    const report = {
      sent: this.#sent - this.#sentBefore,
      received: latencies.count,
      percentilesMs: percentiles.map((share) => latencies.percentile(share)),
      maximumMs: latencies.maximumMs,
      ownStallMs: this.#ownStallMs,
    }
    this.#latencies = new Latencies()
    this.#sentBefore = this.#sent
    this.#ownStallMs = 0
    return report
  }

  /** Every millisecond, and not in a hot loop: the broker needs the cores. */
  readonly #tick = (): void => {
    const now = performance.now()
    this.#ownStallMs = Math.max(this.#ownStallMs, now - this.#lastTickMs - tickMs)
    this.#lastTickMs = now
    const perTick = Math.round((this.#order.messagesPerSecond * tickMs) / 1000)
    for (; this.#dueMs <= now; this.#dueMs += tickMs) {
      for (let each = 0; each < perTick; each++) this.#publishNext()
    }
    setTimeout(this.#tick, tickMs)
  }

  #publishNext(): void {
    this.#publishers[this.#sent % this.#publishers.length]?.publish(this.#dueMs)
    this.#sent += 1
  }

  #received(bytes: Uint8Array, start: number): void {
    const dueMs = new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0)
    this.#latencies.add(performance.now() - dueMs)
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
