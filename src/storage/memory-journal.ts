import type { MessageRecord } from "../protocol/message-record.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import type { QueuedMessage, RecalledMessage, Sequence, SessionJournal } from "./store.ts"

/** A queued message: its record, which all sessions that queue it share, and what is this session's. */
interface Entry {
  readonly record: MessageRecord
  readonly qos: QueuedMessage["qos"]
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  released: boolean
}

const smallestRing = 8

/**
 * A session's queue in memory alone, in a ring by sequence. Records, and not messages: a queue of a million would
 * keep the garbage collector busy with ten million objects (bench row offline-drain).
 */
export class MemoryJournal implements SessionJournal {
  #ring: (Entry | undefined)[] = []
  /** All that is queued is from here on; what was removed in between is a hole. */
  #oldest: Sequence = 1
  #newest: Sequence = 0
  /**
   * What was sent when `removedOldest` passed over it, in order. It may stay for as long as its client is away: in the
   * ring, all that went behind it would be looked at with each message that goes, and keep its place.
   */
  readonly #passedOver = new Map<Sequence, Entry>()
  #passedUpTo: Sequence = 0
  #sentUpTo: Sequence = 0

  enqueued({ sequence, publish, qos, retain, subscriptionIdentifiers }: QueuedMessage): undefined {
    if (this.#oldest > this.#newest) this.#oldest = sequence
    if (sequence - this.#oldest >= this.#ring.length) this.#resize(sequence - this.#oldest + 1)
    this.#newest = sequence
    this.#ring[this.#slot(sequence)] = {
      record: publish.toRecord(),
      qos,
      retain,
      subscriptionIdentifiers,
      released: false,
    }
  }

  sent(upTo: Sequence): void {
    this.#sentUpTo = Math.max(this.#sentUpTo, upTo)
  }

  removed(sequence: Sequence): void {
    if (this.#passedOver.delete(sequence) || this.#entry(sequence) === undefined) return
    this.#ring[this.#slot(sequence)] = undefined
    if (sequence === this.#oldest) this.#leaveOldest()
  }

  removedOldest(told: Sequence): void {
    const beyond = Math.max(told, this.#sentUpTo)
    for (const sequence of this.#passedOver.keys()) {
      if (beyond >= this.#passedUpTo) break
      if (sequence > beyond) return this.removed(sequence)
    }
    this.#passedUpTo = Math.max(this.#passedUpTo, beyond)
    while (this.#oldest <= Math.min(beyond, this.#newest)) {
      const entry = this.#entry(this.#oldest)
      if (entry !== undefined) this.#passedOver.set(this.#oldest, entry)
      this.#leaveOldest()
    }
    this.removed(this.#oldest)
  }

  released(sequence: Sequence): undefined {
    const entry = this.#entry(sequence)
    if (entry !== undefined) entry.released = true
    // Whoever says PUBREC was sent it.
    this.sent(sequence)
  }

  identifierKept(): undefined {}

  identifierReleased(): undefined {}

  subscribed(): undefined {}

  unsubscribed(): undefined {}

  updated(): undefined {}

  noted(): void {}

  ended(): undefined {
    this.#ring = []
    this.#passedOver.clear()
    this.#oldest = this.#newest + 1
  }

  async queue(after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    const recalled: RecalledMessage[] = []
    for (const [sequence, entry] of this.#passedOver) {
      if (recalled.length >= limit) return recalled
      if (sequence > after) recalled.push(this.#recalled(sequence, entry))
    }
    for (let sequence = Math.max(this.#oldest, after + 1); sequence <= this.#newest; sequence++) {
      if (recalled.length >= limit) break
      const entry = this.#entry(sequence)
      if (entry !== undefined) recalled.push(this.#recalled(sequence, entry))
    }
    return recalled
  }

  #recalled(sequence: Sequence, entry: Entry): RecalledMessage {
    const { record, qos, retain, subscriptionIdentifiers, released } = entry
    const publish = new SharedPublish(record)
    const sentBefore = sequence <= this.#sentUpTo
    return { sequence, publish, qos, retain, subscriptionIdentifiers, sentBefore, released }
  }

  /** The oldest is gone, or is elsewhere: the next that is there is the oldest. */
  #leaveOldest(): void {
    this.#ring[this.#slot(this.#oldest)] = undefined
    while (this.#oldest <= this.#newest && this.#ring[this.#slot(this.#oldest)] === undefined)
      this.#oldest += 1
    if (this.#oldest > this.#newest) this.#ring = []
  }

  #entry(sequence: Sequence): Entry | undefined {
    const passedOver = this.#passedOver.get(sequence)
    if (passedOver !== undefined) return passedOver
    return sequence < this.#oldest || sequence > this.#newest ? undefined : this.#ring[this.#slot(sequence)]
  }

  #slot(sequence: Sequence): number {
    return sequence & (this.#ring.length - 1)
  }

  #resize(span: number): void {
    const before = this.#ring
    this.#ring = Array.from({ length: Math.max(smallestRing, 2 ** (32 - Math.clz32(span - 1))) })
    for (let sequence = this.#oldest; sequence <= this.#newest; sequence++) {
      this.#ring[this.#slot(sequence)] = before[sequence & (before.length - 1)]
    }
  }
}
