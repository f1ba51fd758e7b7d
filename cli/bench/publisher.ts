import { type Belt, packetIdOf } from "../../src/client/belt.ts"
import type { ClientEnd } from "../../src/client/client-end.ts"
import { deafListener, type LoadClient, type LoadListener } from "../../src/client/load-client.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import type { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Gauge } from "./gauge.ts"

/** How a publisher goes about it; the same for all of a load. */
export interface Pace {
  readonly qos: Qos
  /** How many subscribers get each message; 0: nobody counts what arrives, or it is not waited for. */
  readonly fanOut: number
  /** Messages of one publisher that may be on their way. */
  readonly inFlight: number
  /** Open loop: when a publisher's message is due, by its place in the sequence. Undefined: as soon as there is room. */
  readonly dueAt: ((index: number, sequence: number) => number) | undefined
}

/** What a publisher needs of its client. */
export type PublisherClient = Pick<LoadClient, "socket" | "terms" | "tell">

/** The load that a publisher is part of. */
export interface PublisherHost {
  readonly pace: Pace
  readonly gauge: Gauge
  /** Hot. It may have something to send, and room for it: `send` is to be called before the turn is over. */
  ready(publisher: Publisher): void
  /** Hot. All of a chunk was told. */
  endOfChunk(): void
  lost(end: ClientEnd): void
}

/** As much as one turn of the event loop writes for a publisher that nothing holds back. */
const burstBytes = 32 * 1024

/**
 * One publisher. In a closed loop its messages are on their way until they are acknowledged and, where subscribers
 * listen, delivered, or known to be lost: so it is as fast as all of it together, and no queue overflows because of it.
 * In an open loop messages are called when they are due, and only acknowledgements hold it back.
 */
export class Publisher implements LoadListener {
  readonly message = deafListener.message
  readonly #client: PublisherClient
  readonly #index: number
  readonly #belt: Belt
  readonly #host: PublisherHost
  readonly #pace: Pace
  readonly #gauge: Gauge
  readonly #window: number
  readonly #burst: number
  /** When the messages on their way were due, by packet identifier; twice the window, so that none overwrites another. */
  readonly #due: Float64Array
  #quota: number
  /** Called, and not written yet. */
  #owed = 0
  #unacknowledged = 0
  #undelivered = 0
  /** When one was delivered last, or this one began anew after a pause. */
  #deliveredAt = 0
  #isReady = false

  /** @param quota how many it may publish in all, unless they are called */
  constructor(index: number, client: PublisherClient, belt: Belt, quota: number, host: PublisherHost) {
    this.#index = index
    this.#client = client
    this.#belt = belt
    this.#quota = quota
    this.#host = host
    this.#pace = host.pace
    this.#gauge = host.gauge
    const { qos, inFlight, fanOut, dueAt } = host.pace
    const isBounded = qos > 0 || (fanOut > 0 && dueAt === undefined)
    this.#window = qos > 0 ? Math.min(inFlight, client.terms.receiveMaximum) : isBounded ? inFlight : Infinity
    this.#burst = Math.max(1, Math.floor(burstBytes / belt.frameBytes))
    this.#due = new Float64Array(qos > 0 ? powerOfTwo(2 * this.#window) : 0)
    client.tell(this)
  }

  /** Messages of its sequence so far. */
  get sequence(): number {
    return this.#belt.sequence
  }

  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** Called, and held back. */
  get owed(): number {
    return this.#owed
  }

  /** Publishes no more than was called; that, and what is on its way, still counts. */
  stop(): void {
    this.#quota = 0
  }

  /** Gives up deliveries of which none has come since then: they are lost, and the window would stay closed. */
  writeOff(sinceMicroseconds: number): void {
    if (this.#undelivered <= 0 || this.#deliveredAt > sinceMicroseconds) return
    this.#undelivered = 0
    this.#becomeReady()
  }

  /** Hot. Open loop: one more message is due. */
  call(due: number): void {
    if (this.#owed === 0 && this.#hasRoom()) this.#gauge.sent(due)
    this.#owed += 1
    this.#becomeReady()
  }

  /** Hot. Writes what it may. @returns whether it would go on in the next turn of the event loop, whatever comes till then */
  send(): boolean {
    this.#isReady = false
    const output = this.#client.socket.output
    while (output.writable) {
      const count = this.#next()
      if (count <= 0) return false
      this.#write(count)
      if (this.#window === Infinity && this.#pace.dueAt === undefined) return true
    }
    return false
  }

  /** What was written leaves at once. */
  flush(): void {
    this.#client.socket.output.flush()
  }

  /** Hot. */
  acknowledged(packetId: number): void {
    this.#unacknowledged -= 1
    this.#gauge.tookAcknowledgement(this.#due[packetId & (this.#due.length - 1)] ?? 0)
    this.#becomeReady()
  }

  refused(_: number, reasonCode: ReasonCode): void {
    this.#unacknowledged -= 1
    this.#undelivered -= this.#pace.fanOut
    this.#gauge.tookRefusal(reasonCode)
    this.#becomeReady()
  }

  /** Hot. So many of the deliveries of its messages are not awaited any more. */
  delivered(count: number): void {
    this.#undelivered -= count
    this.#deliveredAt = this.#gauge.lastAt
    this.#becomeReady()
  }

  /** Hot. */
  endOfChunk(): void {
    this.#host.endOfChunk()
  }

  writable(): void {
    this.#becomeReady()
    this.#host.endOfChunk()
  }

  lost(end: ClientEnd): void {
    this.#host.lost(end)
  }

  #becomeReady(): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#host.ready(this)
  }

  #hasRoom(): boolean {
    return this.#room() > 0 && this.#client.socket.output.writable
  }

  #room(): number {
    const { fanOut, dueAt } = this.#pace
    const undelivered = fanOut === 0 || dueAt !== undefined ? 0 : Math.ceil(this.#undelivered / fanOut)
    return this.#window - Math.max(this.#unacknowledged, undelivered)
  }

  /** How many to write now with one due time. */
  #next(): number {
    if (this.#pace.dueAt !== undefined) return Math.min(this.#owed, this.#room(), 1)
    return Math.min(this.#quota, this.#room(), this.#burst)
  }

  #write(count: number): void {
    const { dueAt, qos, fanOut } = this.#pace
    const sequence = this.#belt.sequence
    const due = dueAt === undefined ? this.#gauge.now() : dueAt(this.#index, sequence)
    this.#belt.writeDue(this.#client.socket.output, due, count)
    this.#gauge.published += count
    this.#quota -= count
    if (this.#undelivered <= 0) this.#deliveredAt = due
    this.#undelivered += count * fanOut
    if (dueAt !== undefined) this.#owed -= count
    if (qos === 0) return
    this.#unacknowledged += count
    const mask = this.#due.length - 1
    for (let at = sequence; at < sequence + count; at++) this.#due[packetIdOf(at) & mask] = due
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}
