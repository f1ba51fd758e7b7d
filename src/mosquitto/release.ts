import type { Message } from "../protocol/message.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import { topicMatches } from "../protocol/topic.ts"
import type { StoredSubscription } from "../storage/store.ts"
import type { PlannedSession } from "./planned-state.ts"

/**
 * Gives a message that its publisher had not released yet to every session that subscribes to it, once, and to its
 * topic: as the broker would have, had it come to it.
 *
 * @param retained by topic
 */
export function deliverReleased(
  message: Message,
  sessions: readonly PlannedSession[],
  retained: Map<string, Message>,
): void {
  const topic = message.topic.name
  if (message.retain && message.payload.length === 0) retained.delete(topic)
  else if (message.retain) retained.set(topic, message)
  const publish = new SharedPublish(message)
  const servedGroups = new Set<string>()
  for (const session of sessions) {
    const matching = session.subscriptions.filter(({ filter, shareName, noLocal }) => {
      if (!topicMatches(filter, topic)) return false
      if (noLocal && session.record.clientId === message.publisher.clientId) return false
      return shareName === undefined || !servedGroups.has(`${shareName}/${filter}`)
    })
    for (const { filter, shareName } of matching) {
      if (shareName !== undefined) servedGroups.add(`${shareName}/${filter}`)
    }
    const qos = Math.min(message.qos, Math.max(0, ...matching.map((each) => each.qos)))
    if (qos !== 1 && qos !== 2) continue
    session.queue.push({
      sequence: (session.queue.at(-1)?.sequence ?? 0) + 1,
      publish,
      qos,
      retain: message.retain && matching.some(({ retainAsPublished }) => retainAsPublished),
      subscriptionIdentifiers: identifiersOf(matching),
      released: false,
    })
  }
}

function identifiersOf(subscriptions: readonly StoredSubscription[]): readonly number[] {
  return subscriptions.map((each) => each.subscriptionIdentifier).filter((identifier) => identifier !== 0)
}
