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

class Publisher {
  readonly #client: LoadClient
  readonly #frame: Uint8Array
  readonly #view: DataView
  readonly #dueAt: number

  constructor(client: LoadClient, topic: string) {
    this.#client = client
    const utf8 = Buffer.from(topic)
    this.#dueAt = 4 + utf8.length
    this.#frame = new Uint8Array(this.#dueAt + payloadBytes)
    this.#frame.set([0x30, this.#frame.length - 2, 0, utf8.length])
    this.#frame.set(utf8, 4)
    this.#view = new DataView(this.#frame.buffer)
  }

  publish(dueMs: number): void {
    this.#view.setFloat64(this.#dueAt, dueMs)
    this.#client.socket.output.append(this.#frame)
  }
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
    const { port, pairs } = this.#order
    for (let pair = 0; pair < pairs; pair++) {
      const topic = `steady/${pair}`
      const subscriber = await LoadClient.connect(port, `steady-subscriber-${pair}`, true)
      await subscriber.subscribe([topic], 0)
      subscriber.tell({ ...deafListener, message: (bytes, start) => this.#received(bytes, start) })
      this.#publishers.push(
        new Publisher(await LoadClient.connect(port, `steady-publisher-${pair}`, true), topic),
      )
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
