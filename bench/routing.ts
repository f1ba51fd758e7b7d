import { type Message, noBytes, topicOf } from "../src/protocol/message.ts"
import type { ClientId } from "../src/protocol/packet.ts"
import { SharedPublish } from "../src/protocol/shared-publish.ts"
import { parseSubscriptionFilter, parseTopicName, type TopicName } from "../src/protocol/topic.ts"
import { RetainedTree } from "../src/routing/retained-tree.ts"
import { Router } from "../src/routing/router.ts"
import type { Subscriber, Subscription } from "../src/routing/subscriber.ts"
import { SubscriptionTree } from "../src/routing/subscription-tree.ts"
import { measure } from "./stopwatch.ts"

/*
 * What finding the subscribers costs, when nobody sends anything: `bun run bench/routing.ts`.
 */

function subscriberOf(index: number): Subscriber {
  return {
    clientId: `bench-${index}` as ClientId,
    present: true,
    isStored: false,
    ready: true,
    mayRead: () => true,
    load: 0,
    deliver: () => undefined,
    deliverRun: () => undefined,
    refuses: () => false,
  }
}

function subscriptionOf(text: string, index: number): Subscription {
  const parsed = parseSubscriptionFilter(text)
  if (parsed === undefined) throw new Error(`${text} is no topic filter`)
  return {
    ...parsed,
    subscriber: subscriberOf(index),
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifiers: [],
  }
}

function topicName(text: string): TopicName {
  const name = parseTopicName(text)
  if (name === undefined) throw new Error(`${text} is no topic name`)
  return name
}

function messageOf(text: string): Message {
  return {
    topic: topicOf(topicName(text)),
    payload: noBytes,
    qos: 0,
    retain: false,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher: { origin: "client", clientId: "" as ClientId, username: undefined },
    receivedAtMs: 0,
    counter: 0,
    hops: 0,
  }
}

function treeOf(filters: readonly string[]): SubscriptionTree {
  const tree = new SubscriptionTree("round-robin")
  for (const [index, filter] of filters.entries()) tree.add(subscriptionOf(filter, index))
  return tree
}

function times<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

const count = 10_000

console.log("Routing, for each message")
for (const subscribers of [1, 10, 1_000]) {
  const router = new Router(treeOf(times(subscribers, () => "house/door")))
  const publish = new SharedPublish(messageOf("house/door"))
  measure(`one topic, ${subscribers} subscribers`, 1, () => void router.route(publish))
}
{
  const router = new Router(treeOf(times(10, () => "$share/group/house/door")))
  const publish = new SharedPublish(messageOf("house/door"))
  measure("one topic, a share group of 10", 1, () => void router.route(publish))
}
for (const topics of [count, 3 * count]) {
  const router = new Router(treeOf(times(100, (index) => `plant/${index}/#`)))
  const publishes = times(topics, (index) => new SharedPublish(messageOf(`plant/${index % 100}/${index}`)))
  measure(`${topics} topics in turn, 100 wildcard filters`, topics, () => {
    for (const publish of publishes) router.route(publish)
  })
}

console.log("\nMatching, for each topic")
for (const [what, filterOf] of [
  ["a/N", (index: number) => `a/${index}`],
  ["a/N/#", (index: number) => `a/${index}/#`],
  ["+/N/#", (index: number) => `+/${index}/#`],
  ["a/+/N", (index: number) => `a/+/${index}`],
] as const) {
  const tree = treeOf(times(count, filterOf))
  const topics = times(count, (index) => topicName(what === "a/N" ? `a/${index}` : `a/${index}/${index}`))
  measure(`${count} filters ${what}`, count, () => {
    for (const topic of topics) tree.match(topic)
  })
}

console.log("\nChanging, for each subscription or topic")
{
  const filters = times(count, (index) => `a/${index}/+`)
  const tree = treeOf([])
  const subscriptions = filters.map(subscriptionOf)
  for (const subscription of subscriptions) tree.add(subscription)
  measure(`unsubscribe and subscribe again, ${count} in turn`, count, () => {
    for (const subscription of subscriptions) {
      tree.remove(subscription.subscriber, subscription.filter, undefined)
      tree.add(subscription)
    }
  })
  measure(`the same one again and again among ${count}`, 1, () => {
    const [subscription] = subscriptions
    if (subscription === undefined) return
    tree.remove(subscription.subscriber, subscription.filter, undefined)
    tree.add(subscription)
  })
}
{
  const tree = new RetainedTree()
  const messages = times(count, (index) => messageOf(`plant/${index % 100}/${index}`))
  const put = () => {
    for (const message of messages) tree.apply(message.topic.name, message)
  }
  measure("retain in place of another", count, put)
  put()
  const all = parseSubscriptionFilter("#")?.filter
  if (all === undefined) throw new Error("# is a topic filter")
  measure("walk over all retained messages", count, () => {
    for (const record of tree.match(all)) if (record?.length === 0) throw new Error("no record is empty")
  })
}
