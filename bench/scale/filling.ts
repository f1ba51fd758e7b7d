import { systemClock } from "../../src/foundation/clock.ts"
import { SharedPublish } from "../../src/protocol/shared-publish.ts"
import type { Ticket } from "../../src/foundation/ticket.ts"
import { type Message, noBytes, type Publisher, type Topic, topicOf } from "../../src/protocol/message.ts"
import type { ClientId } from "../../src/protocol/packet.ts"
import { parseTopicFilter, parseTopicName, type TopicFilter } from "../../src/protocol/topic.ts"
import { openStore } from "../../src/storage/open-store.ts"
import type { SessionJournal, Store } from "../../src/storage/store.ts"
import { silentLog } from "../../test/support/silent-log.ts"

/** What a store holds before the broker starts on it. */
export interface Filling {
  /** Messages of 64 bytes, each with a topic of its own. */
  readonly retained: number
  /** Sessions whose client is away. */
  readonly sessions: number
  /** Of each session; one in ten has wildcards. */
  readonly subscriptions: number
  /** QoS 1 messages of 64 bytes, evenly over the first `queues` sessions. */
  readonly queued: number
  readonly queues: number
  /** So many of the retained messages, and of the sessions without a queue, end at these times. */
  readonly retainedExpiring: number
  readonly retainedExpireAtMs: number
  readonly sessionsExpiring: number
  readonly sessionsExpireAtMs: number
}

export const emptyFilling: Filling = {
  retained: 0,
  sessions: 0,
  subscriptions: 0,
  queued: 0,
  queues: 0,
  retainedExpiring: 0,
  retainedExpireAtMs: Number.POSITIVE_INFINITY,
  sessionsExpiring: 0,
  sessionsExpireAtMs: Number.POSITIVE_INFINITY,
}

/** What is told before the disk is waited for. */
const perBatch = 10_000
const neverExpires = 0xffff_ffff
const payload = new Uint8Array(64).fill(0x78)
const publisher: Publisher = { origin: "client", clientId: "filling" as ClientId, username: undefined }

/** Fills an empty directory as a broker would have, but without the way over MQTT: a million rows take seconds. */
export async function fill(directory: string, filling: Filling): Promise<void> {
  const settings = { kind: "sqlite", directory, durability: "normal" } as const
  const { store } = await openStore(settings, systemClock, silentLog)
  await inBatches(filling.retained, (number) => store.retain(retainedMessage(number, filling)))
  const journals: SessionJournal[] = []
  await inBatches(filling.sessions, (number) => storeSession(store, journals, number, filling))
  const perQueue = filling.queues === 0 ? 0 : Math.floor(filling.queued / filling.queues)
  for (const journal of journals.slice(0, filling.queues)) {
    await inBatches(perQueue, (number) => enqueue(journal, number + 1))
  }
  await store.close()
}

export function clientIdOf(session: number): string {
  return `absent-${session}`
}

/** All of one length. */
export function retainedTopicOf(number: number): string {
  return `site/${String(number % 100).padStart(2, "0")}/device/${String(number).padStart(7, "0")}/state`
}

function retainedMessage(number: number, { retainedExpiring, retainedExpireAtMs }: Filling): Message {
  const expiresAtMs = number < retainedExpiring ? retainedExpireAtMs : Number.POSITIVE_INFINITY
  return message(topic(retainedTopicOf(number)), true, expiresAtMs)
}

function storeSession(store: Store, journals: SessionJournal[], number: number, filling: Filling) {
  const now = Date.now()
  const expires = number >= filling.queues && number < filling.queues + filling.sessionsExpiring
  const { journal, ticket } = store.create({
    clientId: clientIdOf(number) as ClientId,
    username: undefined,
    createdAtMs: now,
    expiryIntervalSeconds: expires ? 60 : neverExpires,
    disconnectedAtMs: expires ? filling.sessionsExpireAtMs - 60_000 : now,
    will: undefined,
  })
  for (let each = 0; each < filling.subscriptions; each++) {
    journal.subscribed({
      filter: filterOf(number, each),
      shareName: undefined,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: 0,
    })
  }
  if (number < filling.queues) journals.push(journal)
  return ticket
}

function filterOf(session: number, each: number): TopicFilter {
  const place = `site/${session % 100}/absent/${session}`
  const text = each % 10 === 9 ? `${place}/+/${each}/#` : `${place}/command/${each}`
  return certain(parseTopicFilter(text), text)
}

const queueTopic = topic("site/0/absent/queue")

function enqueue(journal: SessionJournal, sequence: number): Ticket | undefined {
  const publish = new SharedPublish(message(queueTopic, false, Number.POSITIVE_INFINITY))
  return journal.enqueued({ sequence, publish, qos: 1, retain: false, subscriptionIdentifiers: [] })
}

function message(of: Topic, retain: boolean, expiresAtMs: number): Message {
  return {
    topic: of,
    payload,
    qos: 1,
    retain,
    properties: noBytes,
    expiresAtMs,
    publisher,
    receivedAtMs: Date.now(),
    counter: 0,
    hops: 0,
  }
}

function topic(text: string): Topic {
  return topicOf(certain(parseTopicName(text), text))
}

function certain<Parsed>(parsed: Parsed | undefined, text: string): Parsed {
  if (parsed === undefined) throw new Error(`not valid: ${text}`)
  return parsed
}

async function inBatches(count: number, tell: (number: number) => Ticket | undefined): Promise<void> {
  for (let first = 0; first < count; first += perBatch) {
    let last: Ticket | undefined
    for (let number = first; number < Math.min(count, first + perBatch); number++) last = tell(number)
    await committed(last)
  }
}

function committed(ticket: Ticket | undefined): Promise<void> {
  if (ticket === undefined || ticket.state === "committed") return Promise.resolve()
  return new Promise((resolve, reject) => {
    ticket.wait({
      settled: ({ state }) =>
        state === "committed" ? resolve() : reject(new Error("the store cannot be filled")),
    })
  })
}
