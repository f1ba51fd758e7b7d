import type { Clock, Timer } from "../../src/foundation/clock.ts"
import { noBytes, topicOf, type Message } from "../../src/protocol/message.ts"
import { parsePacketId, type ClientId, type PacketId } from "../../src/protocol/packet.ts"
import { SharedPublish } from "../../src/protocol/shared-publish.ts"
import {
  parseTopicFilter,
  parseTopicName,
  type TopicFilter,
  type TopicName,
} from "../../src/protocol/topic.ts"
import type { Drops } from "../../src/storage/drop-store.ts"
import type { Ticket } from "../../src/foundation/ticket.ts"
import type {
  QueuedMessage,
  RecalledMessage,
  SessionRecord,
  StoredSubscription,
} from "../../src/storage/store.ts"

/** One message that expired. */
export const lostOnce: Drops = {
  clientId: "a",
  why: "expired",
  prefix: "x/y",
  firstMs: 5,
  lastMs: 6,
  messages: 1,
  bytes: 9,
}

export function topicName(text: string): TopicName {
  const name = parseTopicName(text)
  if (name === undefined) throw new Error(`${text} is no topic name`)
  return name
}

export function topicFilter(text: string): TopicFilter {
  const filter = parseTopicFilter(text)
  if (filter === undefined) throw new Error(`${text} is no topic filter`)
  return filter
}

export function packetId(value: number): PacketId {
  const id = parsePacketId(value)
  if (id === undefined) throw new Error(`${value} is no packet identifier`)
  return id
}

export function message(text: string, parts: Partial<Message> = {}): Message {
  return {
    topic: topicOf(topicName("house/door")),
    payload: new Uint8Array(Buffer.from(text)),
    qos: 1,
    retain: false,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher: { origin: "client", clientId: "sensor" as ClientId, username: "ada" },
    receivedAtMs: 1_700_000_000_000,
    counter: 7,
    hops: 0,
    ...parts,
  }
}

interface QueuedParts extends Partial<Omit<QueuedMessage, "publish">> {
  readonly message?: Message
}

export function queued(
  sequence: number,
  { message: content = message(`message ${sequence}`), ...parts }: QueuedParts = {},
): QueuedMessage {
  return {
    sequence,
    publish: new SharedPublish(content),
    qos: 1,
    retain: false,
    subscriptionIdentifiers: [],
    ...parts,
  }
}

export function sessionRecord(clientId = "reader", parts: Partial<SessionRecord> = {}): SessionRecord {
  return {
    clientId: clientId as ClientId,
    username: undefined,
    createdAtMs: 1_700_000_000_000,
    expiryIntervalSeconds: 0xffffffff,
    disconnectedAtMs: undefined,
    will: undefined,
    ...parts,
  }
}

export function subscription(filter: string, parts: Partial<StoredSubscription> = {}): StoredSubscription {
  return {
    filter: topicFilter(filter),
    shareName: undefined,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 0,
    ...parts,
  }
}

export function texts(recalled: readonly RecalledMessage[]): string[] {
  return recalled.map((one) => Buffer.from(one.publish.message.payload).toString())
}

/** The state that a ticket ends in; no ticket is as good as a committed one. */
export function outcome(ticket: Ticket | undefined): Promise<Ticket["state"]> {
  if (ticket === undefined) return Promise.resolve("committed")
  if (ticket.state !== "pending") return Promise.resolve(ticket.state)
  return new Promise((resolve) => ticket.wait({ settled: (settled) => resolve(settled.state) }))
}

/** A clock whose hands the test turns. */
export class HandClock implements Clock {
  #nowMs = 1_700_000_000_000
  #timers: { atMs: number; callback: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return this.#nowMs
  }

  at(atMs: number, callback: () => void): Timer {
    const timer = { atMs, callback }
    this.#timers.push(timer)
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs)
    this.#timers = this.#timers.filter((timer) => timer.atMs > this.#nowMs)
    for (const timer of due) timer.callback()
  }
}
