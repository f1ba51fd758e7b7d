import type { SessionRow, SubscriptionRow } from "./exchange.ts"
import { ByteReader, type ByteWriter } from "./bytes.ts"

/*
 * Sessions on their way from the worker to the main thread, packed: to clone a hundred thousand of them with their
 * subscriptions as objects took ten times as long.
 */

export function packSession(writer: ByteWriter, row: SessionRow): void {
  writer.uint32(row.session)
  writer.text(row.clientId)
  packOptional(writer, row.username, (username) => writer.text(username))
  writer.float64(row.createdAtMs)
  writer.uint32(row.expiryIntervalSeconds)
  packOptional(writer, row.disconnectedAtMs, (disconnectedAtMs) => writer.float64(disconnectedAtMs))
  packOptional(writer, row.will, (will) => writer.sized(will))
  writer.uint32(row.willDelaySeconds)
  writer.uint32(row.willExpirySeconds)
  writer.float64(row.queuedMessages)
  writer.float64(row.queuedBytes)
  writer.float64(row.sentMessages)
  writer.float64(row.sentUpTo)
  writer.float64(row.lastSequence)
  writer.uint32(row.awaitingRelease.length)
  for (const packetId of row.awaitingRelease) writer.uint32(packetId)
  writer.uint32(row.subscriptions.length)
  for (const subscription of row.subscriptions) packSubscription(writer, subscription)
}

export function* readSessions(packed: Uint8Array): Iterable<SessionRow> {
  const reader = new ByteReader(packed)
  while (reader.left > 0) yield readSession(reader)
}

function readSession(reader: ByteReader): SessionRow {
  return {
    session: reader.uint32(),
    clientId: reader.text(),
    username: readOptional(reader, () => reader.text()),
    createdAtMs: reader.float64(),
    expiryIntervalSeconds: reader.uint32(),
    disconnectedAtMs: readOptional(reader, () => reader.float64()),
    will: readOptional(reader, () => reader.sized()),
    willDelaySeconds: reader.uint32(),
    willExpirySeconds: reader.uint32(),
    queuedMessages: reader.float64(),
    queuedBytes: reader.float64(),
    sentMessages: reader.float64(),
    sentUpTo: reader.float64(),
    lastSequence: reader.float64(),
    awaitingRelease: Array.from({ length: reader.uint32() }, () => reader.uint32()),
    subscriptions: Array.from({ length: reader.uint32() }, () => readSubscription(reader)),
  }
}

function packSubscription(writer: ByteWriter, subscription: SubscriptionRow): void {
  writer.text(subscription.filter)
  writer.uint8(subscription.qos)
  writer.uint8(subscription.noLocal)
  writer.uint8(subscription.retainAsPublished)
  writer.uint8(subscription.retainHandling)
  writer.uint32(subscription.subscriptionIdentifier)
}

function readSubscription(reader: ByteReader): SubscriptionRow {
  return {
    filter: reader.text(),
    qos: reader.uint8(),
    noLocal: reader.uint8(),
    retainAsPublished: reader.uint8(),
    retainHandling: reader.uint8(),
    subscriptionIdentifier: reader.uint32(),
  }
}

function packOptional<Value>(writer: ByteWriter, value: Value | null, pack: (value: Value) => void): void {
  writer.uint8(value === null ? 0 : 1)
  if (value !== null) pack(value)
}

function readOptional<Value>(reader: ByteReader, read: () => Value): Value | null {
  return reader.uint8() === 1 ? read() : null
}
