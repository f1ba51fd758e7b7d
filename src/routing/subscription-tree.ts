import { ChurnMap } from "../foundation/churn-map.ts"
import {
  behindPart,
  endOfLevel,
  hasWildcard,
  levelsMatch,
  type ShareName,
  type TopicFilter,
  type TopicName,
} from "../protocol/topic.ts"
import { Fork, LevelTrie } from "./level-trie.ts"
import { ShareGroup, type ShareStrategy } from "./share-groups.ts"
import type { Subscriber, Subscription } from "./subscriber.ts"

/** Whoever is interested in a topic: each of these subscriptions, and one member of each group. */
export interface Matches {
  readonly subscriptions: Subscription[]
  readonly groups: ShareGroup[]
}

/** What stands at a filter: nearly always one client's subscription, and nothing around it (bench:scale memory). */
type Interest = Subscription | Crowd

/**
 * From topic filter to subscriptions. Filters without a wildcard are found by the whole topic; the others stand in
 * a trie of levels, so a topic visits only the filters that could match it [4.7].
 */
export class SubscriptionTree {
  readonly #strategy: ShareStrategy
  readonly #exact = new ChurnMap<string, Interest>()
  readonly #wild = new LevelTrie<Interest>(({ filter }) => filter)
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
    const replaced = this.#add(subscription)
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
    const removed = this.#remove(subscriber, filter, shareName)
    if (removed === undefined) return undefined
    this.#size -= 1
    if (shareName !== undefined) this.#sharedSize -= 1
    this.#epoch += 1
    return removed
  }

  /** All that match the topic; a wildcard at the first level passes over topics with `$` [MQTT-4.7.2-1]. */
  match(topic: TopicName): Matches {
    const matches: Matches = { subscriptions: [], groups: [] }
    const exact = this.#exact.get(topic)
    if (exact !== undefined) collect(exact, matches)
    if (this.#wild.root.ways.size > 0) new Walk(topic, matches).from(this.#wild.root)
    return matches
  }

  #add(subscription: Subscription): Subscription | undefined {
    const { filter, shareName, subscriber } = subscription
    const there = shareName === undefined ? this.#putFirst(filter, subscription) : this.#find(filter)
    if (there === undefined && shareName === undefined) return undefined
    if (there instanceof Crowd) return there.add(subscription, this.#strategy)
    if (there?.subscriber === subscriber && shareName === undefined) {
      this.#put(filter, subscription)
      return there
    }
    const crowd = new Crowd(filter)
    if (there !== undefined) crowd.add(there, this.#strategy)
    this.#put(filter, crowd)
    return crowd.add(subscription, this.#strategy)
  }

  #remove(
    subscriber: Subscriber,
    filter: TopicFilter,
    shareName: ShareName | undefined,
  ): Subscription | undefined {
    const there = this.#find(filter)
    if (there instanceof Crowd) {
      const removed = there.remove(subscriber, shareName)
      if (there.isEmpty) this.#clear(filter)
      return removed
    }
    if (there?.subscriber !== subscriber || shareName !== undefined) return undefined
    this.#clear(filter)
    return there
  }

  #find(filter: TopicFilter): Interest | undefined {
    return hasWildcard(filter) ? this.#wild.get(filter) : this.#exact.get(filter)
  }

  /** @returns what stands there already, and stays */
  #putFirst(filter: TopicFilter, interest: Interest): Interest | undefined {
    return hasWildcard(filter)
      ? this.#wild.putFirst(filter, interest)
      : this.#exact.setFirst(filter, interest)
  }

  #put(filter: TopicFilter, interest: Interest): void {
    if (hasWildcard(filter)) this.#wild.put(filter, interest)
    else this.#exact.set(filter, interest)
  }

  #clear(filter: TopicFilter): void {
    if (hasWildcard(filter)) this.#wild.remove(filter)
    else this.#exact.delete(filter)
  }
}

/** All that is subscribed to a filter that several clients want, or a share group. */
class Crowd {
  readonly filter: TopicFilter
  readonly #own = new Map<Subscriber, Subscription>()
  readonly #groups = new Map<ShareName, ShareGroup>()

  constructor(filter: TopicFilter) {
    this.filter = filter
  }

  get isEmpty(): boolean {
    return this.#own.size === 0 && this.#groups.size === 0
  }

  /** @returns the subscription it replaces */
  add(subscription: Subscription, strategy: ShareStrategy): Subscription | undefined {
    const { subscriber, shareName } = subscription
    if (shareName === undefined) {
      const replaced = this.#own.get(subscriber)
      this.#own.set(subscriber, subscription)
      return replaced
    }
    let group = this.#groups.get(shareName)
    if (group === undefined) this.#groups.set(shareName, (group = new ShareGroup(shareName, strategy)))
    return group.add(subscription)
  }

  /** @returns what was there */
  remove(subscriber: Subscriber, shareName: ShareName | undefined): Subscription | undefined {
    if (shareName === undefined) {
      const removed = this.#own.get(subscriber)
      this.#own.delete(subscriber)
      return removed
    }
    const group = this.#groups.get(shareName)
    const removed = group?.remove(subscriber)
    if (group?.size === 0) this.#groups.delete(shareName)
    return removed
  }

  collect({ subscriptions, groups }: Matches): void {
    for (const subscription of this.#own.values()) subscriptions.push(subscription)
    for (const group of this.#groups.values()) groups.push(group)
  }
}

function collect(interest: Interest, matches: Matches): void {
  if (interest instanceof Crowd) interest.collect(matches)
  else matches.subscriptions.push(interest)
}

/**
 * From a topic to the filters with a wildcard that match it. Each that begins as the topic does is looked at once.
 *
 * It keeps a list of where it still has to go: a filter may have so many levels that functions that call themselves
 * would fill the stack.
 */
class Walk {
  readonly #topic: TopicName
  readonly #matches: Matches
  readonly #forks: Fork<Interest>[] = []
  /** Where in the topic the levels begin that are behind each of the forks. */
  readonly #places: number[] = []
  /** By the place where they begin: a text that was looked up once is found sooner the next time. */
  readonly #levels: string[] = []

  constructor(topic: TopicName, matches: Matches) {
    this.#topic = topic
    this.#matches = matches
  }

  from(root: Fork<Interest>): void {
    const topic = this.#topic
    this.#visit(root, 0, !topic.startsWith("$"))
    for (let fork = this.#forks.pop(); fork !== undefined; fork = this.#forks.pop()) {
      this.#visit(fork, this.#places.pop() ?? 0, true)
    }
  }

  #visit(fork: Fork<Interest>, place: number, seesWildcards: boolean): void {
    const matches = this.#matches
    const { value } = fork
    // `a/#` matches `a` itself too, so `#` is looked for at the end as well [4.7.1.2].
    const rest = seesWildcards ? fork.rest : undefined
    if (rest !== undefined && !(rest instanceof Fork)) collect(rest, matches)
    if (place > this.#topic.length) {
      if (value !== undefined) collect(value, matches)
      return
    }
    const level = this.#levelAt(place)
    const end = place + level.length
    const same = fork.ways.get(level)
    if (same !== undefined) this.#follow(same, end)
    const any = seesWildcards ? fork.any : undefined
    if (any !== undefined) this.#follow(any, end)
  }

  #follow(way: Fork<Interest> | Interest, end: number): void {
    const topic = this.#topic
    if (!(way instanceof Fork)) {
      if (levelsMatch(way.filter, topic)) collect(way, this.#matches)
      return
    }
    const behind = way.skipped === undefined ? end : behindPart(way.skipped, topic, end + 1)
    if (behind < 0) return
    this.#forks.push(way)
    this.#places.push(behind + 1)
  }

  #levelAt(place: number): string {
    return (this.#levels[place] ??= this.#topic.slice(place, endOfLevel(this.#topic, place)))
  }
}
