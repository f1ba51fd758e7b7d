import type { Qos } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { TopicName } from "../protocol/topic.ts"
import type { Ticket } from "../foundation/ticket.ts"
import type { ShareGroup } from "./share-groups.ts"
import type { DeliveryTerms, Subscriber, Subscription } from "./subscriber.ts"
import type { SubscriptionTree } from "./subscription-tree.ts"

/** One subscriber of a topic, once, however many of its subscriptions match [3.3.4]. */
interface Delivery {
  readonly subscriber: Subscriber
  readonly terms: DeliveryTerms
  /** The terms when the subscriber published it itself: without its No Local subscriptions; undefined: not at all. */
  readonly termsForOwn: DeliveryTerms | undefined
}

/** Everyone who gets what is published to a topic, as of one state of the tree. */
interface Route {
  readonly deliveries: readonly Delivery[]
  readonly groups: readonly ShareGroup[]
}

/** What became of a message: nobody wanted it, or somebody did, with or without something to wait for. */
export type Routed = "unmatched" | Ticket | undefined

const routesPerGeneration = 16_384
/** With a thousand subscribers to `#`, sixteen thousand routes would fill a gigabyte (torture: overload wildcards). */
const deliveriesPerGeneration = 524_288
/** Routes of longer topics are found anew each time, so that what is kept is bounded in bytes too. */
const longestKeptTopic = 512

/** A message in, each interested subscriber once. */
export class Router {
  readonly #tree: SubscriptionTree
  // Two generations: the older falls away when the younger is full, so what is in use stays and the rest is bounded.
  #routes = new Map<TopicName, Route>()
  #olderRoutes = new Map<TopicName, Route>()
  /** In the younger generation. */
  #deliveries = 0
  #epoch = -1

  constructor(tree: SubscriptionTree) {
    this.#tree = tree
  }

  /** Hot. A subscriber that cannot keep up queues or drops by itself; none makes another wait. */
  route(publish: SharedPublish): Routed {
    const message = publish.message
    const route = this.#routeOf(message.topic.name)
    const { deliveries, groups } = route
    if (deliveries.length === 0 && groups.length === 0) return "unmatched"
    const publisher = message.publisher.clientId
    let ticket: Ticket | undefined
    for (let index = 0; index < deliveries.length; index++) {
      const delivery = deliveries[index]
      if (delivery === undefined) continue
      const own = delivery.subscriber.clientId === publisher && publisher !== ""
      const terms = own ? delivery.termsForOwn : delivery.terms
      if (terms === undefined) continue
      ticket = delivery.subscriber.deliver(publish, terms, undefined) ?? ticket
    }
    for (let index = 0; index < groups.length; index++) {
      ticket = groups[index]?.deliver(publish) ?? ticket
    }
    return ticket
  }

  /** Hot. The same for a run: each subscriber gets all of it before the next gets any. */
  routeRun(run: PublishRun, topic: TopicName, publisher: string): Routed {
    const { deliveries, groups } = this.#routeOf(topic)
    if (deliveries.length === 0 && groups.length === 0) return "unmatched"
    const { count } = run
    let ticket: Ticket | undefined
    for (let index = 0; index < deliveries.length; index++) {
      const delivery = deliveries[index]
      if (delivery === undefined) continue
      const own = delivery.subscriber.clientId === publisher && publisher !== ""
      const terms = own ? delivery.termsForOwn : delivery.terms
      if (terms === undefined) continue
      ticket = delivery.subscriber.deliverRun(run, 0, count, 1, terms, undefined) ?? ticket
    }
    for (let index = 0; index < groups.length; index++) {
      ticket = groups[index]?.deliverRun(run, topic) ?? ticket
    }
    return ticket
  }

  /** Whether a subscriber's queue is full and the message must be refused for it, before anyone gets it. */
  refuses(publish: SharedPublish): boolean {
    const { deliveries, groups } = this.#routeOf(publish.message.topic.name)
    return (
      deliveries.some(({ subscriber }) => subscriber.refuses(publish)) ||
      groups.some((group) => group.refuses(publish))
    )
  }

  /** Whether a message on this topic goes to anybody who has it stored. */
  stores(topic: TopicName): boolean {
    const { deliveries, groups } = this.#routeOf(topic)
    return deliveries.some(({ subscriber }) => subscriber.isStored) || groups.some((group) => group.stores)
  }

  #routeOf(topic: TopicName): Route {
    if (this.#epoch !== this.#tree.epoch) {
      this.#routes.clear()
      this.#olderRoutes.clear()
      this.#deliveries = 0
      this.#epoch = this.#tree.epoch
    }
    const known = this.#routes.get(topic)
    if (known !== undefined) return known
    const route = this.#olderRoutes.get(topic) ?? this.#find(topic)
    if (topic.length > longestKeptTopic) return route
    if (this.#routes.size >= routesPerGeneration || this.#deliveries >= deliveriesPerGeneration) {
      this.#olderRoutes = this.#routes
      this.#routes = new Map()
      this.#deliveries = 0
    }
    this.#routes.set(topic, route)
    this.#deliveries += route.deliveries.length
    return route
  }

  #find(topic: TopicName): Route {
    const matching = new Map<Subscriber, Subscription[]>()
    const { subscriptions, groups } = this.#tree.match(topic)
    for (const subscription of subscriptions) {
      const others = matching.get(subscription.subscriber)
      if (others === undefined) matching.set(subscription.subscriber, [subscription])
      else others.push(subscription)
    }
    const deliveries: Delivery[] = []
    for (const [subscriber, subscriptions] of matching) {
      const terms = together(subscriptions)
      if (terms === undefined) continue
      const hasNoLocal = subscriptions.some((subscription) => subscription.noLocal)
      const termsForOwn = hasNoLocal ? together(subscriptions.filter((each) => !each.noLocal)) : terms
      deliveries.push({ subscriber, terms, termsForOwn })
    }
    return { deliveries, groups }
  }
}

/** Overlapping subscriptions make one delivery: the highest QoS and every identifier [MQTT-3.3.4-2, 3.3.4-4]. */
function together(subscriptions: readonly Subscription[]): DeliveryTerms | undefined {
  const [first, ...others] = subscriptions
  if (first === undefined || others.length === 0) return first
  return {
    qos: subscriptions.reduce<Qos>((highest, { qos }) => (qos > highest ? qos : highest), 0),
    retainAsPublished: subscriptions.some((each) => each.retainAsPublished),
    subscriptionIdentifiers: subscriptions.flatMap((each) => each.subscriptionIdentifiers),
  }
}
