import { unreachable } from "../../foundation/assert.ts"
import type { Message } from "../../protocol/message.ts"
import type { TopicName } from "../../protocol/topic.ts"
import type { QueuedMessage, Sequence, SessionRecord, StoredSubscription } from "../store.ts"
import { subscriptionFilterText } from "../../protocol/topic.ts"
import type { ByteWriter } from "./bytes.ts"
import {
  recordCode,
  uponFailure,
  type Enqueued,
  type Operation,
  type PlainOperation,
  type Progressed,
  type RemovedOldest,
  type Retained,
  type SessionNumber,
} from "./operation.ts"
import { messageBytes, writeMessage } from "./records.ts"
import { BatchTicket } from "./ticket.ts"

/** What one session has in a batch that still gathers. */
interface Part {
  /** In the order of their sequences. */
  readonly enqueued: Enqueued[]
  /** Highest sequence of this session that was told before these. */
  readonly enqueuedBefore: Sequence
  progressed: Progressed | undefined
  removedOldest: RemovedOldest | undefined
}

/** What gathers on the main thread while the worker writes the batch before. Its methods are hot. */
export class Batch {
  /** For what is dropped when the batch fails. */
  readonly promise = new BatchTicket()
  /** For what is carried over: settled only when it is written, in this batch or in a later one. */
  readonly carried: BatchTicket[] = [new BatchTicket()]
  /** Called once the batch is handed over, so that what is asked next sees what it says. */
  readonly afterwards: (() => void)[] = []
  #operations: Operation[] = []
  /** Written last: they speak of what is in the queues by then. */
  #atTheEnd: (Progressed | RemovedOldest)[] = []
  #parts = new Map<SessionNumber, Part>()
  #retained = new Map<TopicName, Retained>()
  #struck = 0
  #messages = 0
  #bytes = 0

  /** Nothing is to be written: nothing was told, or all of it was struck. */
  get isEmpty(): boolean {
    return this.#operations.length + this.#atTheEnd.length === this.#struck
  }

  /** Messages that wait in it, and their bytes. */
  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  get operations(): readonly Operation[] {
    return [...this.#operations, ...this.#atTheEnd]
  }

  add(operation: PlainOperation): void {
    this.#operations.push(operation)
  }

  /** @param before highest sequence that was told for this session so far */
  enqueue(session: SessionNumber, queued: QueuedMessage, before: Sequence): void {
    const operation: Enqueued = { op: "enqueued", session, queued, sent: false, struck: false }
    this.#operations.push(operation)
    this.#part(session, before).enqueued.push(operation)
    this.#messages += 1
    this.#bytes += messageBytes(queued.message)
  }

  /**
   * Marks what still waits here, so that nothing is to be written for it should it be struck.
   *
   * @param before up to where it was told already
   */
  sent(session: SessionNumber, upTo: Sequence, before: Sequence): void {
    const part = this.#parts.get(session)
    let index = part === undefined ? -1 : indexOf(part.enqueued, upTo)
    if (part === undefined || index === -1) return this.#sentBefore(session, upTo)
    for (; index >= 0; index--) {
      const operation = part.enqueued[index]
      if (operation === undefined || operation.sent) break
      operation.sent = true
    }
    if (before < part.enqueuedBefore) this.#sentBefore(session, part.enqueuedBefore)
  }

  /** Strikes the message when it still waits here; writes its removal when it does not. */
  remove(session: SessionNumber, sequence: Sequence): void {
    const waiting = this.#parts.get(session)?.enqueued
    const operation = waiting?.[indexOf(waiting, sequence)]
    if (operation === undefined) {
      this.#progressed(session).removed.push(sequence)
    } else if (!operation.struck) {
      operation.struck = true
      this.#struck += 1
      this.#messages -= 1
      this.#bytes -= messageBytes(operation.queued.message)
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
    const carried = failed.operations.filter((operation) => uponFailure[operation.op] === "carried over")
    this.#operations = [...carried, ...this.#operations]
    this.carried.unshift(...failed.carried)
    this.afterwards.unshift(...failed.afterwards)
  }

  /** Writes one record for each operation, in order; a run of messages to several sessions has one body. */
  pack(writer: ByteWriter): void {
    let body: Message | undefined
    for (const operation of this.#operations) {
      if (operation.op !== "enqueued") {
        packOperation(writer, operation)
      } else if (!operation.struck) {
        const { message } = operation.queued
        if (message !== body) {
          writer.uint8(recordCode.body)
          writeMessage(writer, message)
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
      part = { enqueued: [], enqueuedBefore, progressed: undefined, removedOldest: undefined }
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

function indexOf(enqueued: readonly Enqueued[], sequence: Sequence): number {
  let low = 0
  let high = enqueued.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const operation = enqueued[middle]
    if (operation === undefined) break
    if (operation.queued.sequence === sequence) return middle
    if (operation.queued.sequence < sequence) low = middle + 1
    else high = middle - 1
  }
  return -1
}

function packEnqueued(writer: ByteWriter, { session, queued, sent }: Enqueued): void {
  writer.uint8(recordCode.enqueued)
  writer.uint32(session)
  writer.float64(queued.sequence)
  writer.uint8(queued.qos)
  writer.uint8(queued.retain ? 1 : 0)
  writer.uint8(sent ? 1 : 0)
  writer.uint32(messageBytes(queued.message))
  writer.uint32(queued.subscriptionIdentifiers.length * 4)
  for (const identifier of queued.subscriptionIdentifiers) writer.uint32(identifier)
}

function packOperation(writer: ByteWriter, operation: Exclude<Operation, Enqueued>): void {
  if (operation.op === "retained") return packRetained(writer, operation)
  writer.uint8(recordCode[operation.op])
  writer.uint32(operation.session)
  switch (operation.op) {
    case "progressed":
      writer.float64(operation.sentUpTo)
      writer.uint32(operation.removed.length)
      for (const sequence of operation.removed) writer.float64(sequence)
      return
    case "removedOldest":
      writer.float64(operation.beyond)
      return writer.uint32(operation.count)
    case "released":
      return writer.float64(operation.sequence)
    case "identifierKept":
    case "identifierReleased":
      return writer.uint32(operation.packetId)
    case "subscribed":
      return packSubscription(writer, operation.subscription)
    case "unsubscribed":
      return writer.text(operation.filter)
    case "created":
    case "updated":
      return packRecord(writer, operation.record)
    case "ended":
      return
    default:
      return unreachable(operation)
  }
}

function packRetained(writer: ByteWriter, { topic, message }: Retained): void {
  writer.uint8(message === undefined ? recordCode.unretained : recordCode.retained)
  writer.text(topic)
  if (message !== undefined) writeMessage(writer, message)
}

function packSubscription(writer: ByteWriter, subscription: StoredSubscription): void {
  writer.text(subscriptionFilterText(subscription))
  writer.uint8(subscription.qos)
  writer.uint8(subscription.noLocal ? 1 : 0)
  writer.uint8(subscription.retainAsPublished ? 1 : 0)
  writer.uint8(subscription.retainHandling)
  writer.uint32(subscription.subscriptionIdentifier)
}

function packRecord(writer: ByteWriter, record: SessionRecord): void {
  writer.text(record.clientId)
  writer.uint8(record.username === undefined ? 0 : 1)
  writer.text(record.username ?? "")
  writer.float64(record.createdAtMs)
  writer.uint32(record.expiryIntervalSeconds)
  writer.uint8(record.disconnectedAtMs === undefined ? 0 : 1)
  writer.float64(record.disconnectedAtMs ?? 0)
  writer.uint8(record.will === undefined ? 0 : 1)
  if (record.will === undefined) return
  writer.uint32(record.will.delaySeconds)
  writer.uint32(record.will.messageExpirySeconds)
  writeMessage(writer, record.will.message)
}
