import { isExpired } from "../protocol/message.ts"
import {
  expiryOf,
  type MessageOutline,
  type MessageRecord,
  MessageUnpacker,
  payloadStartOf,
  propertiesBytesOf,
  propertiesStartOf,
  topicBytesOf,
} from "../protocol/message-record.ts"
import { decodeForwardedProperties, type ForwardedProperties } from "../protocol/publish-properties.ts"
import type { TopicFilter, TopicName } from "../protocol/topic.ts"
import { Refused } from "./refused.ts"
import { dateOf, type ManagementSurroundings } from "./surroundings.ts"

export interface RetainedFacts {
  readonly topic: string
  readonly payloadBytes: number
  readonly qos: 0 | 1 | 2
  /** Who published it; null for the broker itself. */
  readonly client: string | null
  readonly user: string | null
  readonly publishedAt: string
  /** Null: never. */
  readonly expiresAt: string | null
}

/** All but the payload of a message. */
export interface RetainedMessageFacts extends RetainedFacts {
  /** Those of MQTT 5 that it has. */
  readonly properties: Omit<ForwardedProperties, "correlationData"> & {
    readonly correlationDataBase64?: string
  }
}

export interface RetainedQuery {
  readonly filter: TopicFilter
  /** Published so long ago at least; 0: at any time. */
  readonly olderMs: number
}

/** Undefined for what does not fit. What comes or goes meanwhile may be among them or not. */
export function* listRetained(
  surroundings: ManagementSurroundings,
  query: RetainedQuery,
): IterableIterator<RetainedFacts | undefined> {
  for (const message of matching(surroundings, query)) {
    yield message === undefined ? undefined : factsOf(surroundings, message)
  }
}

/** The messages of a query, undefined for what does not fit. */
export function* matching(
  { broker, clock }: ManagementSurroundings,
  { filter, olderMs }: RetainedQuery,
): IterableIterator<MessageOutline | undefined> {
  const unpacker = new MessageUnpacker()
  for (const record of broker.retained.match(filter)) {
    const message = record === undefined ? undefined : unpacker.outline(record)
    const nowMs = clock.now()
    const fits =
      message !== undefined && !isExpired(message, nowMs) && nowMs - message.receivedAtMs >= olderMs
    yield fits ? message : undefined
  }
}

/**
 * A message: what is known of it as JSON in a line, and behind that its payload as it is, in slices. To make text of a large
 * one, or to copy all of it at once, would stop everybody.
 *
 * @param soon runs after what this turn has brought
 * @throws Refused when there is none
 */
export function retainedOf(
  surroundings: ManagementSurroundings,
  topic: TopicName,
  soon: (run: () => void) => void,
): Response {
  const record = recordAt(surroundings, topic)
  if (record === undefined || expiryOf(record) <= surroundings.clock.now()) {
    throw new Refused(404, `nothing is retained at ${JSON.stringify(topic)}`)
  }
  const facts: RetainedMessageFacts = {
    ...factsOf(surroundings, new MessageUnpacker().outline(record)),
    properties: propertiesOf(record),
  }
  const head = Buffer.from(`${JSON.stringify(facts)}\n`)
  const headers = { "content-type": "application/octet-stream" }
  return new Response(inSlices(head, record, soon), { headers })
}

/** A topic is a filter that matches itself alone. */
function recordAt({ broker }: ManagementSurroundings, topic: TopicName): MessageRecord | undefined {
  for (const record of broker.retained.match(topic as string as TopicFilter))
    if (record !== undefined) return record
  return undefined
}

function propertiesOf(record: MessageRecord): RetainedMessageFacts["properties"] {
  const topicBytes = topicBytesOf(record)
  const start = propertiesStartOf(topicBytes)
  const bytes = record.slice(start, start + propertiesBytesOf(record, topicBytes))
  const { correlationData, ...properties } = decodeForwardedProperties(bytes)
  return {
    ...properties,
    ...(correlationData !== undefined && { correlationDataBase64: correlationData.toBase64() }),
  }
}

/** So much of a payload is copied in one go. */
const sliceBytes = 256 * 1024

function inSlices(
  head: Uint8Array,
  record: MessageRecord,
  soon: (run: () => void) => void,
): ReadableStream<Uint8Array> {
  let at = payloadStartOf(record)
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(head),
    pull: async (controller) => {
      if (at === record.length) return controller.close()
      await new Promise<void>((go) => soon(go))
      const end = Math.min(at + sliceBytes, record.length)
      controller.enqueue(record.slice(at, end))
      at = end
    },
  })
}

function factsOf({ clock }: ManagementSurroundings, outline: MessageOutline): RetainedFacts {
  const { topic, payloadBytes, qos, publisher, receivedAtMs, expiresAtMs } = outline
  return {
    topic,
    payloadBytes,
    qos,
    client: publisher.clientId === "" ? null : publisher.clientId,
    user: publisher.username ?? null,
    publishedAt: dateOf(clock, receivedAtMs),
    expiresAt: Number.isFinite(expiresAtMs) ? dateOf(clock, expiresAtMs) : null,
  }
}
