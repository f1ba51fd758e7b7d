import type { ClientEnd } from "../../src/client/client-end.ts"
import { Gauge } from "./gauge.ts"
import type { Pace, Publisher, PublisherHost } from "./publisher.ts"
import type { Schedule } from "./schedule.ts"
import { settle } from "./settle.ts"
import type { Senders } from "./subscriber.ts"
import { Turns } from "./turns.ts"

/** How long a window may stay closed before what should have opened it counts as lost. */
const writeOffMicroseconds = 1_000_000

/** How long what was overtaken may still come. */
const latecomersMs = 1_000

/** The messages of a load, on their way: what publishers and subscribers have between them. */
export class Traffic implements PublisherHost, Senders {
  readonly gauge = new Gauge()
  readonly pace: Pace
  readonly lanes: readonly Int32Array[]
  readonly isShared: boolean
  /** Why a connection was lost, as soon as one is. */
  readonly broken: Promise<ClientEnd>

  readonly #broken = Promise.withResolvers<ClientEnd>()
  readonly #schedule: Schedule | undefined
  readonly #turns: Turns | undefined
  readonly #publishers: Publisher[] = []
  #ready: Publisher[] = []
  #spare: Publisher[] = []
  #isStopped = false
  #isTurning = false

  constructor(pace: Pace, lanes: readonly Int32Array[], isShared: boolean, schedule: Schedule | undefined) {
    this.pace = pace
    this.lanes = lanes
    this.isShared = isShared
    this.#schedule = schedule
    this.broken = this.#broken.promise
    if (schedule === undefined) return
    this.#turns = new Turns(schedule, {
      now: () => this.gauge.now(),
      due: (number) => this.#call(number),
      turned: () => this.#sendDue(),
    })
  }

  /** What an open loop has spent on waiting, with the core busy. */
  get idleMicroseconds(): number {
    return this.#turns?.idleMicroseconds ?? 0
  }

  /** To be told of before `start`. */
  add(publisher: Publisher): void {
    this.#publishers.push(publisher)
  }

  start(): void {
    if (this.#turns !== undefined) return this.#turns.start()
    for (const publisher of this.#publishers) this.ready(publisher)
    this.#sendReady()
  }

  /** No more is due. */
  stop(): void {
    this.#isStopped = true
    this.#turns?.stop()
    for (const publisher of this.#publishers) publisher.stop()
  }

  /** Deliveries that the messages so far should bring, and that have not come. */
  get undelivered(): number {
    const { published, refusals, delivered, duplicated } = this.gauge
    return (published - refusals) * this.pace.fanOut - (delivered - duplicated)
  }

  /** Messages that were due, and could not be sent. */
  get owed(): number {
    return this.#publishers.reduce((sum, { owed }) => sum + owed, 0)
  }

  get unacknowledged(): number {
    return this.#publishers.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0)
  }

  /**
   * Resolves when all is there that must be, or nothing has come for a while.
   *
   * @param unpublished how many messages are still to be published
   */
  async settle(patienceMs: number, unpublished: () => number = () => 0): Promise<void> {
    const { gauge } = this
    const awaited = () => Math.max(0, this.undelivered - gauge.skipped)
    await settle(() => unpublished() + this.unacknowledged + this.owed + awaited(), patienceMs)
    if (gauge.skipped > 0) await settle(() => this.undelivered, Math.min(patienceMs, latecomersMs))
  }

  /** To be called now and then, in a closed loop: opens windows that lost messages keep closed. */
  writeOffLost(): void {
    if (this.#isStopped || this.#schedule !== undefined) return
    const since = this.gauge.now() - writeOffMicroseconds
    for (const publisher of this.#publishers) publisher.writeOff(since)
    this.#sendReady()
  }

  /** Hot. */
  ready(publisher: Publisher): void {
    this.#ready.push(publisher)
  }

  /** Hot. */
  delivered(publisher: number, count: number): void {
    this.#publishers[publisher]?.delivered(count)
  }

  /** Hot. */
  endOfChunk(): void {
    this.#turns?.busy()
    this.gauge.endOfChunk()
    this.#sendReady()
  }

  lost(end: ClientEnd): void {
    this.#broken.resolve(end)
  }

  /** Hot. */
  #sendReady(): void {
    const ready = this.#ready
    this.#ready = this.#spare
    for (const publisher of ready) {
      // Who only waits for the socket goes on in the next turn, when this one's bytes have left.
      if (publisher.send()) this.#inNextTurn(publisher)
    }
    ready.length = 0
    this.#spare = ready
  }

  #inNextTurn(publisher: Publisher): void {
    this.ready(publisher)
    if (this.#isTurning) return
    this.#isTurning = true
    setImmediate(this.#pump)
  }

  /** Hot. */
  readonly #pump = (): void => {
    this.#isTurning = false
    this.#sendReady()
  }

  #call(number: number): void {
    this.#publishers[number % this.#publishers.length]?.call(this.#schedule?.dueAt(number) ?? 0)
  }

  /** Each on its own, as from devices that know nothing of each other. */
  #sendDue(): void {
    const ready = this.#ready
    for (const publisher of ready) {
      publisher.send()
      publisher.flush()
    }
    ready.length = 0
  }
}
