import { hasWildcard, type ShareName, type TopicFilter, type TopicName } from "../protocol/topic.ts"
import { ShareGroup, type ShareStrategy } from "./share-groups.ts"
import type { Subscriber, Subscription } from "./subscriber.ts"

/** All that is subscribed to one topic filter. */
export interface FilterSubscriptions {
  readonly own: Map<Subscriber, Subscription>
  readonly groups: Map<ShareName, ShareGroup>
}

interface Node {
  readonly children: Map<string, Node>
  /** Undefined where a filter only passes through. */
  subscriptions: FilterSubscriptions | undefined
}

/**
 * From topic filter to subscriptions. Filters without a wildcard are found by the whole topic; the others stand in
 * a trie of levels, so a topic visits only the filters that could match it [4.7].
 */
export class SubscriptionTree {
  readonly #strategy: ShareStrategy
  readonly #exact = new Map<string, FilterSubscriptions>()
  readonly #root: Node = newNode()
  #size = 0
  #sharedSize = 0
  #epoch = 0

  constructor(strategy: ShareStrategy) {
    this.#strategy = strategy
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#size
  }

  get sharedSize(): number {
    return this.#sharedSize
  }

  /** Changes whenever what a topic matches may have changed. */
  get epoch(): number {
    return this.#epoch
  }

  /** @returns the subscription that this one replaces: same subscriber, filter and share name [MQTT-3.8.4-3] */
  add(subscription: Subscription): Subscription | undefined {
    const subscriptions = this.#grow(subscription.filter)
    const replaced = this.#put(subscriptions, subscription)
    if (replaced === undefined) {
      this.#size += 1
      if (subscription.shareName !== undefined) this.#sharedSize += 1
    }
    this.#epoch += 1
    return replaced
  }

  /** @returns what was there */
  remove(
    subscriber: Subscriber,
    filter: TopicFilter,
    shareName: ShareName | undefined,
  ): Subscription | undefined {
    const subscriptions = this.#find(filter)
    if (subscriptions === undefined) return undefined
    const removed = take(subscriptions, subscriber, shareName)
    if (removed === undefined) return undefined
    if (subscriptions.own.size === 0 && subscriptions.groups.size === 0) this.#prune(filter)
    this.#size -= 1
    if (shareName !== undefined) this.#sharedSize -= 1
    this.#epoch += 1
    return removed
  }

  /** All that match the topic; a wildcard at the first level passes over topics with `$` [MQTT-4.7.2-1]. */
  match(topic: TopicName): FilterSubscriptions[] {
    const matches: FilterSubscriptions[] = []
    const exact = this.#exact.get(topic)
    if (exact !== undefined) matches.push(exact)
    if (this.#root.children.size > 0) {
      this.#walk(this.#root, topic.split("/"), 0, topic.startsWith("$"), matches)
    }
    return matches
  }

  /** Depth is bounded by the limit on levels; breadth by two ways at each, both of them real filters. */
  #walk(
    node: Node,
    levels: readonly string[],
    depth: number,
    hidden: boolean,
    matches: FilterSubscriptions[],
  ): void {
    // `a/#` matches `a` itself too, so `#` is looked for at the end as well [4.7.1.2].
    if (!hidden) {
      const rest = node.children.get("#")?.subscriptions
      if (rest !== undefined) matches.push(rest)
    }
    const level = levels[depth]
    if (level === undefined) {
      if (node.subscriptions !== undefined) matches.push(node.subscriptions)
      return
    }
    const literal = node.children.get(level)
    if (literal !== undefined) this.#walk(literal, levels, depth + 1, false, matches)
    if (hidden) return
    const any = node.children.get("+")
    if (any !== undefined) this.#walk(any, levels, depth + 1, false, matches)
  }

  #put(subscriptions: FilterSubscriptions, subscription: Subscription): Subscription | undefined {
    const { subscriber, shareName } = subscription
    if (shareName === undefined) {
      const replaced = subscriptions.own.get(subscriber)
      subscriptions.own.set(subscriber, subscription)
      return replaced
    }
    let group = subscriptions.groups.get(shareName)
    if (group === undefined) {
      group = new ShareGroup(shareName, this.#strategy)
      subscriptions.groups.set(shareName, group)
    }
    return group.add(subscription)
  }

  #find(filter: TopicFilter): FilterSubscriptions | undefined {
    if (!hasWildcard(filter)) return this.#exact.get(filter)
    let node: Node | undefined = this.#root
    for (const level of filter.split("/")) node = node?.children.get(level)
    return node?.subscriptions
  }

  #grow(filter: TopicFilter): FilterSubscriptions {
    if (!hasWildcard(filter)) {
      let subscriptions = this.#exact.get(filter)
      if (subscriptions === undefined) this.#exact.set(filter, (subscriptions = newSubscriptions()))
      return subscriptions
    }
    let node = this.#root
    for (const level of filter.split("/")) {
      let child = node.children.get(level)
      if (child === undefined) node.children.set(level, (child = newNode()))
      node = child
    }
    return (node.subscriptions ??= newSubscriptions())
  }

  #prune(filter: TopicFilter): void {
    if (!hasWildcard(filter)) {
      this.#exact.delete(filter)
      return
    }
    const levels = filter.split("/")
    const path: Node[] = [this.#root]
    for (const level of levels) {
      const child = path.at(-1)?.children.get(level)
      if (child === undefined) return
      path.push(child)
    }
    const last = path.pop()
    if (last !== undefined) last.subscriptions = undefined
    let empty = last
    for (const level of levels.toReversed()) {
      if (empty === undefined || empty.subscriptions !== undefined || empty.children.size > 0) return
      empty = path.pop()
      empty?.children.delete(level)
    }
  }
}

function take(
  subscriptions: FilterSubscriptions,
  subscriber: Subscriber,
  shareName: ShareName | undefined,
): Subscription | undefined {
  if (shareName === undefined) {
    const removed = subscriptions.own.get(subscriber)
    subscriptions.own.delete(subscriber)
    return removed
  }
  const group = subscriptions.groups.get(shareName)
  const removed = group?.remove(subscriber)
  if (group?.size === 0) subscriptions.groups.delete(shareName)
  return removed
}

function newNode(): Node {
  return { children: new Map(), subscriptions: undefined }
}

function newSubscriptions(): FilterSubscriptions {
  return { own: new Map(), groups: new Map() }
}
