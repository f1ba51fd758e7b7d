import type { Qos } from "../../src/protocol/packet.ts"
import { parseTopicFilter, parseTopicName, topicMatches, type TopicName } from "../../src/protocol/topic.ts"
import type { KnownSession } from "./known-session.ts"

/** A message that a client published, or left as its will. */
export interface Published {
  /** Its payload, which no other message has. */
  readonly text: string
  readonly topic: TopicName
  readonly qos: Qos
  readonly retain: boolean
  readonly publisher: string
  /** Among the messages of its publisher. */
  readonly order: number
  /** It may expire on its way, or cannot be told from others: nobody is owed it. */
  readonly isOptional: boolean
  /** How long it lives when it is first sent. */
  readonly expirySeconds: number | undefined
  /** Undefined: published by a client that was there. */
  readonly will: Will | undefined
  /** When its first byte may have reached the broker. */
  readonly sentAtStep: number
  /** More than once: its publisher heard nothing of it, and sent it again. */
  times: number
  /** When it was last sent. */
  lastSentAtStep: number
  /** refused: the broker said that it did not take it. */
  outcome: "open" | "accepted" | "refused"
  /** Whose acknowledged subscription matched when it was first sent. */
  readonly candidates: readonly Candidate[]
  /** The same for shared subscriptions, by their filter as subscribed. */
  readonly groups: readonly string[]
}

export interface Will {
  /** It is published even if the broker crashes before it has written that it did so. */
  readonly survivesCrash: boolean
  /** Why it may not have been published, if that is known. */
  objection(): string | undefined
}

export interface Candidate {
  readonly session: KnownSession
  /** What `KnownSession.losses` was. */
  readonly losses: number
}

/** An empty payload clears the topic; the text is then but a name for it. */
export function payloadOf(published: Pick<Published, "text">): string {
  return published.text.endsWith(clearing) ? "" : published.text
}

export const clearing = "-clear"

export function matches(filter: string, topic: string): boolean {
  const parsedFilter = parseTopicFilter(filter)
  const parsedTopic = parseTopicName(topic)
  return parsedFilter !== undefined && parsedTopic !== undefined && topicMatches(parsedFilter, parsedTopic)
}
