import { Histogram } from "./histogram.ts"

/** What is counted of a load. */
export interface Counts {
  readonly published: number
  readonly acknowledged: number
  readonly delivered: number
}

interface CountsAt extends Counts {
  readonly at: number
}

/**
 * Counts a load and measures its latencies. Times are microseconds since the load began, of a clock that nobody can set.
 * Latencies count of what is due in the measured part, however late it comes.
 */
export class Gauge {
  published = 0
  acknowledged = 0
  delivered = 0
  duplicated = 0
  /** Came behind a later one of its lane. */
  late = 0
  /** Deliveries that a later one of their lane has overtaken: by MQTT's promise of order they are lost. */
  skipped = 0
  /** Came on our topics, and is none of ours. */
  strangers = 0
  /** By reason code. */
  readonly refused = new Map<number, number>()
  readonly acknowledgement = new Histogram()
  readonly delivery = new Histogram()
  /** How late the load generator itself wrote what it could have written. */
  readonly sentLate = new Histogram()
  /** When something last came. */
  lastAt = 0

  readonly #startedNanoseconds: number
  readonly #nanoseconds: () => number
  #from = Infinity
  #until = Infinity
  #before: CountsAt = { published: 0, acknowledged: 0, delivered: 0, at: 0 }
  #after: CountsAt | undefined
  /** When the present chunk came; 0 between two. */
  #chunkAt = 0

  constructor(nanoseconds: () => number = Bun.nanoseconds) {
    this.#nanoseconds = nanoseconds
    this.#startedNanoseconds = nanoseconds()
  }

  now(): number {
    return (this.#nanoseconds() - this.#startedNanoseconds) / 1000
  }

  /** The measured part begins. */
  begin(): void {
    // A message tells when it was due in whole microseconds.
    this.#from = Math.floor(this.now())
    this.#before = this.#counts(this.#from)
  }

  /** It ends. What is due in it is still waited for. */
  end(at = this.now()): void {
    this.#until = Math.min(this.#until, at)
    this.#after ??= this.#counts(at)
  }

  get refusals(): number {
    let sum = 0
    for (const count of this.refused.values()) sum += count
    return sum
  }

  /** Of the measured part so far, or of all of it. */
  get measured(): Counts & { readonly seconds: number } {
    if (this.#from === Infinity) return { published: 0, acknowledged: 0, delivered: 0, seconds: 0 }
    const { published, acknowledged, delivered, at } = this.#before
    const after = this.#after ?? this.#counts(this.now())
    return {
      published: after.published - published,
      acknowledged: after.acknowledged - acknowledged,
      delivered: after.delivered - delivered,
      seconds: (after.at - at) / 1e6,
    }
  }

  /** Hot. */
  tookAcknowledgement(due: number): void {
    this.acknowledged += 1
    if (this.#isMeasured(due)) this.acknowledgement.record(this.#arrivedAt() - due)
  }

  /** Hot. @param due32 the lowest 32 bits of when it was due */
  tookMessage(due32: number): void {
    this.delivered += 1
    const now = this.#arrivedAt()
    const waited = (now - due32) % 0x1_0000_0000
    const latency = waited < 0 ? waited + 0x1_0000_0000 : waited
    if (this.#isMeasured(now - latency)) this.delivery.record(latency)
  }

  tookRefusal(reasonCode: number): void {
    this.refused.set(reasonCode, (this.refused.get(reasonCode) ?? 0) + 1)
    this.lastAt = this.now()
  }

  /** Hot. */
  sent(due: number): void {
    if (this.#isMeasured(due)) this.sentLate.record(this.now() - due)
  }

  /** Hot. */
  endOfChunk(): void {
    this.#chunkAt = 0
  }

  #arrivedAt(): number {
    if (this.#chunkAt === 0) {
      this.#chunkAt = this.now()
      this.lastAt = this.#chunkAt
    }
    return this.#chunkAt
  }

  #isMeasured(due: number): boolean {
    return due >= this.#from && due < this.#until
  }

  #counts(at: number): CountsAt {
    const { published, acknowledged, delivered } = this
    return { published, acknowledged, delivered, at }
  }
}
