import { messageBytes, type Message } from "../../protocol/message.ts"
import type { TopicName } from "../../protocol/topic.ts"
import type { QueuedMessage, Sequence, SessionRecord } from "../store.ts"
import type { ByteWriter } from "./bytes.ts"
import {
  uponFailure,
  type Enqueued,
  type Noted,
  type Operation,
  type PlainOperation,
  type Progressed,
  type RemovedOldest,
  type Retained,
  type SessionNumber,
} from "./operation.ts"
import { packBody, packEnqueued, packOperation } from "./packing.ts"
import { indexOfSequence } from "./sequences.ts"
import { BatchTicket } from "./ticket.ts"

/** What one session has in a batch that still gathers. */
interface Part {
  /** In the order of their sequences. */
  readonly enqueued: Enqueued[]
  readonly sequences: Sequence[]
  /** Highest sequence of this session that was told before these. */
  readonly enqueuedBefore: Sequence
  progressed: Progressed | undefined
  removedOldest: RemovedOldest | undefined
}

/** What gathers on the main thread while the worker writes the batch before. Its methods are hot. */
export class Batch {
  /** For what is dropped when the batch fails. */
  readonly promise = new BatchTicket()
  /** Called once the batch is handed over, so that what is asked next sees what it says. */
  afterwards: (() => void)[] = []
  /** For what is carried over, of this batch and of those that failed before it. */
  #carried: BatchTicket[] = []
  #ownCarried: BatchTicket | undefined
  #operations: Operation[] = []
  /** Written last: they speak of what is in the queues by then. */
  #atTheEnd: (Progressed | RemovedOldest)[] = []
  #parts = new Map<SessionNumber, Part>()
  #retained = new Map<TopicName, Retained>()
  /** Those that no update follows. */
  #noted = new Map<SessionNumber, Noted>()
  /** Of earlier batches, which could not be written. */
  #carriedOver: readonly Operation[] = []
  #struck = 0
  #messages = 0
  #underway = 0
  #atQos2 = 0
  #bytes = 0

  /** Nothing is to be written: nothing was told, or all of it was struck. */
  get isEmpty(): boolean {
    return this.#operations.length + this.#atTheEnd.length === this.#struck
  }

  /** Messages that wait in it, and their bytes. */
  get messages(): number {
    return this.#messages
  }

  /** Those of them that have been sent and not been acknowledged. */
  get underway(): number {
    return this.#underway
  }

  /** Those of them at QoS 2: nobody is sent them before they are committed, so it is not known who is there. */
  get atQos2(): number {
    return this.#atQos2
  }

  get bytes(): number {
    return this.#bytes
  }

  /** For what is carried over: settled only when it is written, in this batch or in a later one. */
  get carriedTicket(): BatchTicket {
    // Made for who asks: a disk that fails for hours has a batch each second that nobody waits for.
    if (this.#ownCarried === undefined) {
      this.#ownCarried = new BatchTicket()
      this.#carried.push(this.#ownCarried)
    }
    return this.#ownCarried
  }

  /** All that was given out for what is carried over to here. */
  get carried(): readonly BatchTicket[] {
    return this.#carried
  }

  get operations(): readonly Operation[] {
    return [...this.#operations, ...this.#atTheEnd]
  }

  add(operation: PlainOperation): void {
    if (operation.op === "updated") this.#noted.delete(operation.session)
    this.#operations.push(operation)
  }

  /** Takes the place of what was noted before: a client that comes again and again while the disk fails is one entry. */
  note(session: SessionNumber, record: SessionRecord): void {
    const earlier = this.#noted.get(session)
    if (earlier !== undefined) {
      earlier.record = record
      return
    }
    const operation: Noted = { op: "noted", session, record }
    this.#noted.set(session, operation)
    this.#operations.push(operation)
  }

  /** @param before highest sequence that was told for this session so far */
  enqueue(session: SessionNumber, queued: QueuedMessage, before: Sequence): void {
    const operation: Enqueued = { op: "enqueued", session, queued, sent: false, struck: false }
    this.#operations.push(operation)
    const part = this.#part(session, before)
    part.enqueued.push(operation)
    part.sequences.push(queued.sequence)
    this.#messages += 1
    if (queued.qos === 2) this.#atQos2 += 1
    this.#bytes += queued.publish.queueBytes
  }

  /**
   * Marks what still waits here, so that nothing is to be written for it should it be struck.
   *
   * @param before up to where it was told already
   */
  sent(session: SessionNumber, upTo: Sequence, before: Sequence): void {
    const part = this.#parts.get(session)
    let index = part === undefined ? -1 : indexOfSequence(part.sequences, upTo)
    if (part === undefined || index === -1) return this.#sentBefore(session, upTo)
    for (; index >= 0; index--) {
      const operation = part.enqueued[index]
      if (operation === undefined || operation.sent) break
      operation.sent = true
      if (!operation.struck) this.#underway += 1
    }
    if (before < part.enqueuedBefore) this.#sentBefore(session, part.enqueuedBefore)
  }

  /** Strikes the message when it still waits here; writes its removal when it does not. */
  remove(session: SessionNumber, sequence: Sequence): void {
    const part = this.#parts.get(session)
    const index = part === undefined ? -1 : indexOfSequence(part.sequences, sequence)
    const operation = index === -1 ? undefined : part?.enqueued[index]
    if (operation === undefined) {
      this.#progressed(session).removed.push(sequence)
    } else if (!operation.struck) {
      operation.struck = true
      if (operation.sent) this.#underway -= 1
      if (operation.queued.qos === 2) this.#atQos2 -= 1
      this.#struck += 1
      this.#messages -= 1
      this.#bytes -= operation.queued.publish.queueBytes
    }
  }

  removeOldest(session: SessionNumber, beyond: Sequence): void {
    const part = this.#part(session)
    if (part.removedOldest?.beyond === beyond) {
      part.removedOldest.count += 1
    } else {
      part.removedOldest = { op: "removedOldest", session, beyond, count: 1 }
      this.#atTheEnd.push(part.removedOldest)
    }
  }

  /** What is to be removed from the queue of a session: asked by every client that comes back, and many may at once. */
  *removalsOf(session: SessionNumber): Iterable<Sequence> {
    for (const operation of this.#carriedOver) {
      if (operation.op === "progressed" && operation.session === session) yield* operation.removed
    }
    yield* this.#parts.get(session)?.progressed?.removed ?? []
  }

  /** @param message undefined: the topic has none any more */
  retain(topic: TopicName, message: Message | undefined): void {
    if (message !== undefined) this.#bytes += messageBytes(message)
    const earlier = this.#retained.get(topic)
    if (earlier === undefined) {
      const operation: Retained = { op: "retained", topic, message }
      this.#retained.set(topic, operation)
      this.#operations.push(operation)
      return
    }
    // Replaced where it stands, so that a topic written a thousand times while the disk is slow is one entry.
    if (earlier.message !== undefined) this.#bytes -= messageBytes(earlier.message)
    earlier.message = message
  }

  /** Takes over, in front of its own, what another batch could not write and must not forget. */
  carryOver(failed: Batch): void {
    const kept = failed.operations.filter((operation) => uponFailure[operation.op] === "carried over")
    const noted = kept.filter((operation) => operation.op === "noted")
    this.#noted = new Map([...noted.map((each) => [each.session, each] as const), ...this.#noted])
    const carried = kept.filter((each) => each.op !== "noted" || this.#noted.get(each.session) === each)
    this.#operations = [...carried, ...this.#operations]
    this.#carriedOver = [...carried, ...this.#carriedOver]
    this.#carried = [...failed.carried, ...this.#carried]
    this.afterwards = [...failed.afterwards, ...this.afterwards]
  }

  /** Writes one record for each operation, in order; a message to several sessions in a row has one body. */
  pack(writer: ByteWriter): void {
    let body: Message | undefined
    for (const operation of this.#operations) {
      if (operation.op !== "enqueued") {
        packOperation(writer, operation)
        // Only what stands right behind a body refers to it.
        body = undefined
      } else if (!operation.struck) {
        const { message } = operation.queued.publish
        if (message !== body) {
          packBody(writer, message)
          body = message
        }
        packEnqueued(writer, operation)
      }
    }
    for (const operation of this.#atTheEnd) packOperation(writer, operation)
  }

  #part(session: SessionNumber, enqueuedBefore: Sequence = 0): Part {
    let part = this.#parts.get(session)
    if (part === undefined) {
      part = { enqueued: [], sequences: [], enqueuedBefore, progressed: undefined, removedOldest: undefined }
      this.#parts.set(session, part)
    }
    return part
  }

  #progressed(session: SessionNumber): Progressed {
    const part = this.#part(session)
    if (part.progressed === undefined) {
      part.progressed = { op: "progressed", session, sentUpTo: 0, removed: [] }
      this.#atTheEnd.push(part.progressed)
    }
    return part.progressed
  }

  #sentBefore(session: SessionNumber, upTo: Sequence): void {
    const progressed = this.#progressed(session)
    if (progressed.sentUpTo < upTo) progressed.sentUpTo = upTo
  }
}
