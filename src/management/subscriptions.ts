import type { TopicName } from "../protocol/topic.ts"
import { subscriptionFilterText, topicMatches } from "../protocol/topic.ts"
import type { Subscription } from "../routing/subscriber.ts"
import { globMatches } from "./glob.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

export interface SubscriptionFacts {
  readonly client: string
  /** As it was asked for, with `$share/` in front of a shared one. */
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  /** Null: none. */
  readonly identifier: number | null
}

/** Undefined: any. */
export interface SubscriptionQuery {
  readonly client?: string | undefined
  /** As a glob, against the filter as it was asked for. */
  readonly filter?: string | undefined
  /** Only those by which a message to this topic would be delivered. */
  readonly topic?: TopicName | undefined
}

/** Undefined for one that does not fit. What comes or goes meanwhile may be among them or not. */
export function* listSubscriptions(
  { broker }: ManagementSurroundings,
  query: SubscriptionQuery,
): IterableIterator<SubscriptionFacts | undefined> {
  for (const { clientId, subscriptions } of broker.sessions) {
    if (query.client !== undefined && !globMatches(query.client, clientId)) {
      yield undefined
      continue
    }
    // One without any is looked at as well.
    if (subscriptions.size === 0) yield undefined
    for (const subscription of subscriptions) {
      const filter = subscriptionFilterText(subscription)
      yield fits(subscription, filter, query) ? factsOf(clientId, filter, subscription) : undefined
    }
  }
}

function fits(subscription: Subscription, text: string, { filter, topic }: SubscriptionQuery): boolean {
  if (filter !== undefined && !globMatches(filter, text)) return false
  return topic === undefined || topicMatches(subscription.filter, topic)
}

function factsOf(client: string, filter: string, subscription: Subscription): SubscriptionFacts {
  const { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers } = subscription
  const [identifier = null] = subscriptionIdentifiers
  return { client, filter, qos, noLocal, retainAsPublished, retainHandling, identifier }
}
