import { readFour, stamp } from "../../src/client/belt.ts"
import { Histogram } from "../../cli/bench/histogram.ts"
import { deafListener, type LoadListener } from "../../src/client/load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import type { OpenLoop } from "../scenario-kinds.ts"
import { Meter } from "./meter.ts"
import { settle } from "../../cli/bench/settle.ts"
import {
  connectBystanders,
  connectPublishers,
  connectSubscribers,
  SequenceCheck,
  type TrafficPublisher,
} from "./traffic-clients.ts"

/**
 * See `OpenLoop`. What is due in the measured part is waited for, however late it comes, and its latency counts from
 * when it was due, not from when it was sent: what waits behind a stall counts, on whichever side the stall is.
 */
export async function runOpenLoop(scenario: OpenLoop, order: LoadOrder): Promise<LoadReport> {
  const load = new OpenLoopLoad(scenario, order)
  await load.connect(order)
  load.start()
  await Bun.sleep(order.warmUpSeconds * 1000)
  const meter = new Meter(order.pid)
  meter.start()
  const { deliveries, busyMicroseconds } = load
  const startedAt = performance.now()
  await Bun.sleep(order.seconds * 1000)
  meter.stop()
  const units = load.deliveries - deliveries
  const loadShare = (load.busyMicroseconds - busyMicroseconds) / (performance.now() - startedAt) / 1000
  const faults = await load.finish()
  const latency = { ...load.latencies.summary(), sentLate: load.lateness.percentile(0.99) }
  return meter.report(units, { faults, loadShare, latency })
}

class OpenLoopLoad {
  deliveries = 0
  readonly latencies = new Histogram()
  /** Of the sending. */
  readonly lateness = new Histogram()
  /** Time spent in turns of the event loop that sent or received something; the others only watch the clock. */
  busyMicroseconds = 0

  readonly #scenario: OpenLoop
  readonly #intervalMicroseconds: number
  /** What is due between the two is measured. */
  readonly #measureFrom: number
  readonly #measureUntil: number
  #publishers: TrafficPublisher[] = []
  #startedNanoseconds = 0
  #sent = 0
  #disorder = 0
  #isOver = false
  #turnAt = 0
  #turnWasBusy = false

  constructor(scenario: OpenLoop, { warmUpSeconds, seconds }: LoadOrder) {
    this.#scenario = scenario
    this.#intervalMicroseconds = 1e6 / scenario.publishesPerSecond
    this.#measureFrom = warmUpSeconds * 1e6
    this.#measureUntil = (warmUpSeconds + seconds) * 1e6
  }

  async connect(order: LoadOrder): Promise<void> {
    await connectBystanders(order, this.#scenario)
    for (const client of await connectSubscribers(order, this.#scenario)) client.tell(this.#subscriber())
    this.#publishers = await connectPublishers(order, this.#scenario, 1)
  }

  start(): void {
    this.#startedNanoseconds = Bun.nanoseconds()
    setImmediate(this.#turn)
  }

  /** @returns how many messages came in disorder, twice, or not at all */
  async finish(): Promise<number> {
    this.#isOver = true
    const expected = this.#sent * this.#scenario.fanOut
    await settle(() => expected - this.deliveries)
    return this.#disorder + Math.abs(expected - this.deliveries)
  }

  /**
   * Hot. Bun looks at the sockets between two immediates without waiting for them, so the next turn comes within
   * microseconds. A timer would come up to a millisecond late.
   */
  readonly #turn = (): void => {
    if (this.#isOver) return
    const now = this.#now()
    if (this.#turnWasBusy) this.busyMicroseconds += now - this.#turnAt
    this.#turnAt = now
    this.#turnWasBusy = false
    const interval = this.#intervalMicroseconds
    for (let due = this.#sent * interval; due <= now; due = this.#sent * interval) {
      if (this.#isMeasured(due)) this.lateness.record(this.#now() - due)
      const publisher = this.#publishers[this.#sent % this.#publishers.length]
      this.#sent += 1
      this.#turnWasBusy = true
      if (publisher === undefined) continue
      const { output } = publisher.client.socket
      publisher.belt.writeDue(output, due)
      // Each on its own, as from devices that know nothing of each other.
      output.flush()
    }
    setImmediate(this.#turn)
  }

  #subscriber(): LoadListener {
    const check = new SequenceCheck(this.#scenario.publishers)
    return {
      ...deafListener,
      message: (bytes, start) => {
        if (!check.isNext(bytes, start)) this.#disorder += 1
        this.deliveries += 1
        this.#turnWasBusy = true
        const due = readFour(bytes, start + stamp.dueMicroseconds)
        if (this.#isMeasured(due)) this.latencies.record(this.#now() - due)
      },
    }
  }

  #isMeasured(due: number): boolean {
    return due >= this.#measureFrom && due < this.#measureUntil
  }

  /** Microseconds since the start. */
  #now(): number {
    return (Bun.nanoseconds() - this.#startedNanoseconds) / 1000
  }
}
