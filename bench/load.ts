import { Belt } from "./belt.ts"
import { deafListener, LoadClient } from "./load-client.ts"
import { cpuMicroseconds, residentBytes } from "./process-usage.ts"
import { type Scenario, scenarios } from "./scenarios.ts"

/*
 * The other side of the bench, in a process of its own: puts one scenario's load on one broker and prints what it
 * measured as JSON. Closed loop: a publisher sends on when its messages have arrived.
 */

/** What the load process is told, as JSON in its only argument. */
export interface LoadOrder {
  readonly scenario: string
  readonly port: number
  /** Of the broker: its CPU time is read over the measured seconds. */
  readonly pid: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface LoadReport {
  readonly deliveriesPerSecond: number
  /** CPU time of the broker for one delivered message, in microseconds. */
  readonly brokerMicroseconds: number
  /** Share of one core that the load took: near 1, the load was the limit and not the broker. */
  readonly loadShare: number
  readonly residentBytes: number
  /** Messages that did not come, came twice, or came in the wrong order. */
  readonly faults: number
}

const stallSeconds = 10

class Publisher {
  readonly client: LoadClient
  readonly #belt: Belt
  readonly #scenario: Scenario
  /** Deliveries and acknowledgements that are still to come. */
  #undelivered = 0
  #unacknowledged = 0

  constructor(client: LoadClient, belt: Belt, scenario: Scenario) {
    this.client = client
    this.#belt = belt
    this.#scenario = scenario
  }

  get sent(): number {
    return this.#belt.sequence
  }

  /** @returns whether half of the window is free: a burst is worth sending */
  delivered(): boolean {
    this.#undelivered -= 1
    return this.#room >= this.#scenario.window / 2
  }

  acknowledged(): boolean {
    this.#unacknowledged -= 1
    return this.#room >= this.#scenario.window / 2
  }

  publish(): void {
    const count = this.#room
    if (count === 0) return
    this.#undelivered += count * this.#scenario.fanOut
    if (this.#scenario.qos > 0) this.#unacknowledged += count
    this.#belt.write(this.client.socket.output, count)
  }

  get #room(): number {
    const { window, fanOut } = this.#scenario
    const waiting = Math.max(Math.ceil(this.#undelivered / fanOut), this.#unacknowledged)
    return Math.max(0, window - waiting)
  }
}

class Load {
  readonly #scenario: Scenario
  readonly #publishers: Publisher[] = []
  /** Who has room for a burst; they send when the chunk is read to its end. */
  readonly #due = new Set<Publisher>()
  #isOver = false
  deliveries = 0
  faults = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  async connect(port: number): Promise<void> {
    const { publishers, subscribers, durable, filters, qos } = this.#scenario
    await inBatches(subscribers, async (index) => {
      const client = await LoadClient.connect(port, `subscriber-${index}`, !durable)
      await client.subscribe(filters(index), qos)
      client.tell(this.#subscriber())
    })
    await inBatches(publishers, async (index) => {
      const { topics, payloadBytes, window } = this.#scenario
      const client = await LoadClient.connect(port, `publisher-${index}`, true)
      const belt = new Belt(index, topics(index), qos, payloadBytes, window)
      const publisher = new Publisher(client, belt, this.#scenario)
      client.tell({
        ...deafListener,
        acknowledged: () => void (publisher.acknowledged() && this.#due.add(publisher)),
        endOfChunk: () => this.#publishDue(),
      })
      this.#publishers[index] = publisher
    })
  }

  start(): void {
    for (const publisher of this.#publishers) publisher.publish()
  }

  /** Sends no more, and waits until what is on its way has arrived. Counts what does not come as a fault. */
  async finish(): Promise<void> {
    this.#isOver = true
    const sent = () => this.#publishers.reduce((sum, publisher) => sum + publisher.sent, 0)
    const expected = () => sent() * this.#scenario.fanOut
    for (let before = -1; this.deliveries < expected() && before !== this.deliveries;) {
      before = this.deliveries
      for (let step = 0; step < stallSeconds * 50 && this.deliveries < expected(); step++) {
        await Bun.sleep(20)
      }
    }
    this.faults += Math.abs(expected() - this.deliveries)
  }

  #subscriber() {
    const last = new Int32Array(this.#scenario.publishers).fill(-1)
    return {
      ...deafListener,
      message: (bytes: Uint8Array, start: number) => {
        const index = readFour(bytes, start)
        const sequence = readFour(bytes, start + 4)
        if (sequence <= (last[index] ?? 0)) this.faults += 1
        last[index] = sequence
        this.deliveries += 1
        const publisher = this.#publishers[index]
        if (publisher?.delivered() === true) this.#due.add(publisher)
      },
      endOfChunk: () => this.#publishDue(),
    }
  }

  #publishDue(): void {
    if (this.#isOver || this.#due.size === 0) return
    for (const publisher of this.#due) publisher.publish()
    this.#due.clear()
  }
}

function readFour(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  )
}

/** All at once would be more than a listener's backlog takes. */
async function inBatches(count: number, run: (index: number) => Promise<void>): Promise<void> {
  const batch = 100
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first)
    await Promise.all(Array.from({ length: size }, (_, offset) => run(first + offset)))
  }
}

async function measure({
  scenario: name,
  port,
  pid,
  warmUpSeconds,
  seconds,
}: LoadOrder): Promise<LoadReport> {
  const scenario = scenarios[name]
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  const load = new Load(scenario)
  await load.connect(port)
  load.start()
  await Bun.sleep(warmUpSeconds * 1000)
  const snapshot = () => ({
    deliveries: load.deliveries,
    broker: cpuMicroseconds(pid),
    load: cpuMicroseconds(process.pid),
    at: performance.now(),
  })
  const before = snapshot()
  await Bun.sleep(seconds * 1000)
  const after = snapshot()
  const resident = residentBytes(pid)
  await load.finish()
  const deliveries = after.deliveries - before.deliveries
  const elapsedMs = after.at - before.at
  return {
    deliveriesPerSecond: (deliveries / elapsedMs) * 1000,
    brokerMicroseconds: (after.broker - before.broker) / deliveries,
    loadShare: (after.load - before.load) / elapsedMs / 1000,
    residentBytes: resident,
    faults: load.faults,
  }
}

if (import.meta.main) {
  const report = await measure(JSON.parse(process.argv[2] ?? "{}") as LoadOrder)
  console.log(JSON.stringify(report))
  process.exit(0)
}
