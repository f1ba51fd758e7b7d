import { unreachable } from "../../foundation/assert.ts"
import type { Message } from "../../protocol/message.ts"
import { subscriptionFilterText } from "../../protocol/topic.ts"
import type { SessionRecord, StoredSubscription } from "../store.ts"
import type { ByteWriter } from "./bytes.ts"
import type { Enqueued, Operation, Retained } from "./operation.ts"
import { writeMessage } from "./records.ts"

/*
 * A batch is records, one behind the other, numbers little-endian:
 *
 *   code 1 · length of the content 4 · content
 *
 * The content of all but `body`, `retained` and `unretained` begins with the number of the session in 4 bytes.
 */

/** First byte of each record in a packed batch; `body` is the message that the enqueued ones after it share. */
export const recordCode = {
  body: 1,
  enqueued: 2,
  progressed: 3,
  released: 4,
  identifierKept: 5,
  identifierReleased: 6,
  subscribed: 7,
  unsubscribed: 8,
  created: 9,
  updated: 10,
  // To whoever applies it there is no difference.
  noted: 10,
  ended: 11,
  retained: 12,
  unretained: 13,
  removedOldest: 14,
} as const

/** Added to the code of a record that nobody needs any more, for a later one has undone it. */
export const struckMark = 0x80

export const recordHeaderBytes = 5

/** Where something stands in the content of a record. */
export const recordOffset = {
  session: 0,
  enqueued: { sequence: 4, released: 15 },
  released: { sequence: 4 },
  progressed: { removed: 12 },
} as const

const enqueuedBytes = 20

/** Hot. */
export function packBody(writer: ByteWriter, message: Message): void {
  writer.uint8(recordCode.body)
  writeMessage(writer, message)
}

/** Hot. */
export function packEnqueued(writer: ByteWriter, { session, queued, sent }: Enqueued): void {
  const identifiers = queued.subscriptionIdentifiers
  writer.uint8(recordCode.enqueued)
  writer.uint32(enqueuedBytes + identifiers.length * 4)
  writer.uint32(session)
  writer.float64(queued.sequence)
  writer.uint8(queued.qos)
  writer.uint8(queued.retain ? 1 : 0)
  writer.uint8(sent ? 1 : 0)
  // Not released yet; a later record may change that where it stands.
  writer.uint8(0)
  writer.uint32(queued.publish.queueBytes)
  for (const identifier of identifiers) writer.uint32(identifier)
}

export function packOperation(writer: ByteWriter, operation: Exclude<Operation, Enqueued>): void {
  if (operation.op === "retained") return packRetained(writer, operation)
  writer.uint8(recordCode[operation.op])
  const start = writer.length
  writer.uint32(0)
  writer.uint32(operation.session)
  packContent(writer, operation)
  writer.uint32At(start, writer.length - start - 4)
}

function packContent(writer: ByteWriter, operation: Exclude<Operation, Enqueued | Retained>): void {
  switch (operation.op) {
    case "progressed":
      writer.float64(operation.sentUpTo)
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
    case "noted":
      return packRecord(writer, operation.record)
    case "ended":
      return
    default:
      return unreachable(operation)
  }
}

function packRetained(writer: ByteWriter, { topic, message }: Retained): void {
  writer.uint8(message === undefined ? recordCode.unretained : recordCode.retained)
  const start = writer.length
  writer.uint32(0)
  writer.text(topic)
  if (message !== undefined) writeMessage(writer, message)
  writer.uint32At(start, writer.length - start - 4)
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
