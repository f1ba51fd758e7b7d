import type { Belt } from "../../src/client/belt.ts"
import { readFour, stamp } from "../../src/client/belt.ts"
import { deafListener, type LoadClient, type LoadListener } from "../../src/client/load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import type { Flow } from "../scenario-kinds.ts"
import { settle } from "../../cli/bench/settle.ts"
import { Meter } from "./meter.ts"
import { connectBystanders, connectPublishers, connectSubscribers, SequenceCheck } from "./traffic-clients.ts"

/** Closed loop: see `Flow`. */
export async function runFlow(flow: Flow, order: LoadOrder): Promise<LoadReport> {
  const load = new FlowLoad(flow)
  await load.connect(order)
  load.start()
  await Bun.sleep(order.warmUpSeconds * 1000)
  const meter = new Meter(order.pid)
  meter.start()
  const before = load.deliveries
  await Bun.sleep(order.seconds * 1000)
  meter.stop()
  const deliveries = load.deliveries - before
  return meter.report(deliveries, { faults: await load.finish() })
}

class FlowLoad {
  readonly #flow: Flow
  #publishers: FlowPublisher[] = []
  /** Who has room for a burst; they send when the chunk is read to its end. */
  readonly #due: FlowPublisher[] = []
  #isOver = false
  #disorder = 0
  deliveries = 0

  constructor(flow: Flow) {
    this.#flow = flow
  }

  async connect(order: LoadOrder): Promise<void> {
    await connectBystanders(order, this.#flow)
    for (const client of await connectSubscribers(order, this.#flow)) client.tell(this.#subscriber())
    const publishers = await connectPublishers(order, this.#flow, this.#flow.window)
    this.#publishers = publishers.map(({ client, belt }) => new FlowPublisher(client, belt, this.#flow))
    for (const publisher of this.#publishers) publisher.client.tell(this.#listenerOf(publisher))
  }

  start(): void {
    for (const publisher of this.#publishers) publisher.publish()
  }

  /**
   * Sends no more, and waits for what is on its way.
   *
   * @returns how many messages or acknowledgements came in disorder, twice, or not at all
   */
  async finish(): Promise<number> {
    this.#isOver = true
    const expected = this.#publishers.reduce((sum, { belt }) => sum + belt.sequence, 0) * this.#flow.fanOut
    const unacknowledged = () => this.#publishers.reduce((sum, each) => sum + each.unacknowledged, 0)
    await settle(() => Math.max(0, expected - this.deliveries) + unacknowledged())
    return this.#disorder + Math.abs(expected - this.deliveries) + Math.abs(unacknowledged())
  }

  #subscriber(): LoadListener {
    const check = new SequenceCheck(this.#flow.publishers)
    return {
      ...deafListener,
      message: (bytes, start) => {
        if (!check.isNext(bytes, start)) this.#disorder += 1
        this.deliveries += 1
        const publisher = this.#publishers[readFour(bytes, start + stamp.publisher)]
        if (publisher?.delivered() === true) this.#due.push(publisher)
      },
      endOfChunk: () => this.#publishDue(),
    }
  }

  #listenerOf(publisher: FlowPublisher): LoadListener {
    return {
      ...deafListener,
      acknowledged: () => void (publisher.acknowledged() && this.#due.push(publisher)),
      endOfChunk: () => this.#publishDue(),
    }
  }

  #publishDue(): void {
    const due = this.#due
    if (due.length === 0) return
    if (!this.#isOver) for (const publisher of due) publisher.publish()
    due.length = 0
  }
}

class FlowPublisher {
  readonly client: LoadClient
  readonly belt: Belt
  readonly #fanOut: number
  readonly #window: number
  /** So much of the window may be on its way when a burst is worth sending. */
  readonly #half: number
  readonly #acknowledges: boolean
  #undelivered = 0
  #unacknowledged = 0
  #isDue = false

  constructor(client: LoadClient, belt: Belt, { window, fanOut, qos }: Flow) {
    this.client = client
    this.belt = belt
    this.#fanOut = fanOut
    this.#window = qos === 0 ? window : Math.min(window, client.terms.receiveMaximum)
    this.#half = Math.floor(this.#window / 2)
    this.#acknowledges = qos > 0
  }

  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** Hot. @returns whether a burst has just become worth sending */
  delivered(): boolean {
    this.#undelivered -= 1
    return this.#becomesDue()
  }

  /** Hot. @returns the same */
  acknowledged(): boolean {
    this.#unacknowledged -= 1
    return this.#becomesDue()
  }

  publish(): void {
    this.#isDue = false
    const waiting = Math.max(Math.ceil(this.#undelivered / this.#fanOut), this.#unacknowledged)
    const count = this.#window - waiting
    this.#undelivered += count * this.#fanOut
    if (this.#acknowledges) this.#unacknowledged += count
    this.belt.write(this.client.socket.output, count)
  }

  #becomesDue(): boolean {
    if (this.#isDue || this.#unacknowledged > this.#half) return false
    if (this.#undelivered > this.#half * this.#fanOut) return false
    this.#isDue = true
    return true
  }
}
