import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { ShareName, TopicName } from "../protocol/topic.ts"
import type { Ticket } from "../foundation/ticket.ts"
import type { Redelivery, Subscriber, Subscription } from "./subscriber.ts"

export const shareStrategies = ["round-robin", "random", "sticky", "least-inflight"] as const

/** How a share group picks the member that gets the next message. */
export type ShareStrategy = (typeof shareStrategies)[number]

/** The subscribers that take turns on one filter under one share name [4.8.2]. */
export class ShareGroup implements Redelivery {
  readonly name: ShareName
  readonly #strategy: ShareStrategy
  readonly #members: Subscription[] = []
  /** Where round-robin goes on, or whom sticky holds on to. */
  #next = 0

  constructor(name: ShareName, strategy: ShareStrategy) {
    this.name = name
    this.#strategy = strategy
  }

  get size(): number {
    return this.#members.length
  }

  /** @returns the subscription it replaces */
  add(subscription: Subscription): Subscription | undefined {
    const index = this.#members.findIndex((member) => member.subscriber === subscription.subscriber)
    if (index < 0) {
      this.#members.push(subscription)
      return undefined
    }
    const replaced = this.#members[index]
    this.#members[index] = subscription
    return replaced
  }

  remove(subscriber: Subscriber): Subscription | undefined {
    const index = this.#members.findIndex((member) => member.subscriber === subscriber)
    if (index < 0) return undefined
    const [removed] = this.#members.splice(index, 1)
    if (index < this.#next) this.#next -= 1
    return removed
  }

  /** Hot. Gives the message to one member; a busy one has it queue, an absent one only when nobody is there. */
  deliver(publish: SharedPublish): Ticket | undefined {
    const chosen = this.#choose(publish.topicName, undefined) ?? this.#waiter(publish)
    return chosen?.subscriber.deliver(publish, chosen, this)
  }

  /** Hot. Each message of the run is somebody's turn. */
  deliverRun(run: PublishRun, topic: TopicName): Ticket | undefined {
    if (run.qos === 0 && this.#strategy === "round-robin" && run.count > 1) return this.#deal(run, topic)
    let ticket: Ticket | undefined
    for (let index = 0; index < run.count; index++) {
      const chosen = this.#choose(topic, undefined) ?? this.#waiter(run.publish(index))
      ticket = chosen?.subscriber.deliverRun(run, index, index + 1, 1, chosen, this) ?? ticket
    }
    return ticket
  }

  /** Every member's queue is full, and publishers are to be refused then. */
  refuses(publish: SharedPublish): boolean {
    return this.#members.every(({ subscriber }) => subscriber.refuses(publish))
  }

  /** A member has what it is given stored. */
  get stores(): boolean {
    return this.#members.some(({ subscriber }) => subscriber.isStored)
  }

  redeliver(publish: SharedPublish, instead: Subscriber): Ticket | "nobody" | undefined {
    const chosen = this.#choose(publish.topicName, instead)
    if (chosen === undefined) return "nobody"
    const ticket = chosen.subscriber.deliver(publish, chosen, this)
    // A member whose store refuses it has not taken it.
    return ticket?.state === "failed" ? "nobody" : ticket
  }

  /** @returns a member that can take a message now, and may */
  #choose(topic: TopicName, except: Subscriber | undefined): Subscription | undefined {
    switch (this.#strategy) {
      case "round-robin":
        return this.#readyFrom(this.#next, 1, topic, except)
      case "sticky":
        return this.#readyFrom(this.#next, 0, topic, except)
      case "random":
        return this.#readyFrom(Math.floor(Math.random() * this.#members.length), 1, topic, except)
      case "least-inflight":
        return this.#leastLoaded(topic, except)
    }
  }

  #readyFrom(
    start: number,
    step: 0 | 1,
    topic: TopicName,
    except: Subscriber | undefined,
  ): Subscription | undefined {
    const members = this.#members
    for (let offset = 0; offset < members.length; offset++) {
      const index = (start + offset) % members.length
      const member = members[index]
      if (member === undefined || !canTake(member, topic) || member.subscriber === except) continue
      this.#next = (index + step) % members.length
      return member
    }
    return undefined
  }

  #leastLoaded(topic: TopicName, except: Subscriber | undefined): Subscription | undefined {
    let best: Subscription | undefined
    for (const member of this.#members) {
      if (!canTake(member, topic) || member.subscriber === except) continue
      if (best === undefined || member.subscriber.load < best.subscriber.load) best = member
    }
    return best
  }

  /**
   * Hot. Deals a run of QoS 0 round like cards, to those who are ready as it begins: at QoS 0 nothing of it makes one
   * less ready but its length, and that is bounded (bench row shared-0).
   */
  #deal(run: PublishRun, topic: TopicName): undefined {
    const ready = this.#members.filter((member) => canTake(member, topic))
    if (ready.length === 0) {
      for (let index = 0; index < run.count; index++) this.deliver(run.publish(index))
      return
    }
    const first = this.#next % ready.length
    for (let turn = 0; turn < ready.length && turn < run.count; turn++) {
      const member = ready[(first + turn) % ready.length]
      member?.subscriber.deliverRun(run, turn, run.count, ready.length, member, this)
    }
    this.#next = (first + run.count) % ready.length
  }

  /** @returns who has it wait when nobody is ready */
  #waiter(publish: SharedPublish): Subscription | undefined {
    return (
      this.#turn(publish, (subscriber) => subscriber.present && subscriber.mayRead(publish.topicName)) ??
      this.#turn(publish, (subscriber) => subscriber.mayRead(publish.topicName)) ??
      // All are full, or none may; one of them counts it as dropped.
      this.#members[0]
    )
  }

  /** Nobody is ready: the queues of those who will do fill in turn. */
  #turn(publish: SharedPublish, willDo: (subscriber: Subscriber) => boolean): Subscription | undefined {
    const members = this.#members
    for (let offset = 0; offset < members.length; offset++) {
      const index = (this.#next + offset) % members.length
      const member = members[index]
      if (member === undefined || !willDo(member.subscriber) || member.subscriber.refuses(publish)) continue
      this.#next = (index + 1) % members.length
      return member
    }
    return undefined
  }
}

/** Hot. */
function canTake({ subscriber }: Subscription, topic: TopicName): boolean {
  return subscriber.ready && subscriber.mayRead(topic)
}
