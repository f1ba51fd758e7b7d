import { isExpired } from "../protocol/message.ts"
import { type MessageOutline, MessageUnpacker } from "../protocol/message-record.ts"
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
 * A message: what is known of it as JSON in a line, and behind that its payload as it is. It may be large, and to make
 * text of it would stop everybody.
 *
 * @throws Refused when there is none
 */
export function retainedOf(surroundings: ManagementSurroundings, topic: TopicName): Response {
  const message = surroundings.broker.retained.get(topic)
  if (message === undefined || isExpired(message, surroundings.clock.now())) {
    throw new Refused(404, `nothing is retained at ${JSON.stringify(topic)}`)
  }
  const { payload } = message
  const { correlationData, ...properties } = decodeForwardedProperties(message.properties)
  const facts: RetainedMessageFacts = {
    ...factsOf(surroundings, { ...message, topic, payloadBytes: payload.length }),
    properties: {
      ...properties,
      ...(correlationData !== undefined && { correlationDataBase64: correlationData.toBase64() }),
    },
  }
  const headers = { "content-type": "application/octet-stream" }
  return new Response(new Blob([`${JSON.stringify(facts)}\n`, new Uint8Array(payload)]), { headers })
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
