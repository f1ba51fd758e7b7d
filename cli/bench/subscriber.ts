import { readFour, stamp, stampBytes } from "../../src/client/belt.ts"
import type { ClientEnd } from "../../src/client/client-end.ts"
import { deafListener, type LoadListener } from "../../src/client/load-client.ts"
import type { Gauge } from "./gauge.ts"
import { again, type Arrival, late, type SequenceCheck } from "./sequence-check.ts"

/** What a subscriber has to know of the publishers. */
export interface Senders {
  /** By publisher and place among its topics: see `Topology`. */
  readonly lanes: readonly Int32Array[]
  /** Messages go to one of several subscribers, so that each of them skips what the others get. */
  readonly isShared: boolean
  /** Hot. So many deliveries of that publisher are not awaited any more. */
  delivered(publisher: number, count: number): void
  /** Hot. All of a chunk was told. */
  endOfChunk(): void
  lost(end: ClientEnd): void
}

/** One subscriber, which counts what comes and sees that it comes in order and once. */
export class Subscriber implements LoadListener {
  readonly acknowledged = deafListener.acknowledged
  readonly refused = deafListener.refused
  readonly writable = deafListener.writable
  readonly #check: SequenceCheck
  readonly #senders: Senders
  readonly #gauge: Gauge

  constructor(check: SequenceCheck, senders: Senders, gauge: Gauge) {
    this.#check = check
    this.#senders = senders
    this.#gauge = gauge
  }

  /** Hot. */
  message(bytes: Uint8Array, start: number, end: number): void {
    const publisher = readFour(bytes, start + stamp.publisher)
    const lanes = this.#senders.lanes[publisher]
    if (lanes === undefined || end - start < stampBytes) {
      this.#gauge.strangers += 1
      return
    }
    const sequence = readFour(bytes, start + stamp.sequence)
    const topics = lanes.length
    const arrival = this.#check.take(lanes[sequence % topics] ?? 0, Math.floor(sequence / topics))
    this.#gauge.tookMessage(readFour(bytes, start + stamp.dueMicroseconds))
    if (arrival === again) this.#gauge.duplicated += 1
    else if (this.#senders.isShared) this.#senders.delivered(publisher, 1)
    else if (arrival === late) this.#tookLate()
    else this.#tookNext(publisher, arrival)
  }

  /** Hot. */
  endOfChunk(): void {
    this.#senders.endOfChunk()
  }

  lost(end: ClientEnd): void {
    this.#senders.lost(end)
  }

  /** Hot. What was skipped is lost, or will come late: it is not waited for either way. */
  #tookNext(publisher: number, arrival: Arrival): void {
    this.#gauge.skipped += arrival - 1
    this.#senders.delivered(publisher, arrival)
  }

  #tookLate(): void {
    this.#gauge.late += 1
    this.#gauge.skipped -= 1
  }
}
