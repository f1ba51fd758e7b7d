import { Agenda } from "./agenda.ts"
import type { Clock } from "../foundation/clock.ts"
import type { Ticket, TicketWaiter } from "../foundation/ticket.ts"
import type { Message } from "../protocol/message.ts"
import { expiryOf, type MessageRecord, topicNameOf } from "../protocol/message-record.ts"
import type { TopicName } from "../protocol/topic.ts"
import { RetainedTree } from "../routing/retained-tree.ts"
import type { Store } from "../storage/store.ts"

export interface RetainedLimits {
  readonly retainedMessages: number
  /** Topics, payloads and properties of all retained messages together. */
  readonly retainedBytes: number
}

/** What is retained, in memory and in the store: bounded, expiring, and the same in both [3.3.1.3, 4.1]. */
export class RetainedMessages {
  readonly tree = new RetainedTree()
  readonly #store: Store
  readonly #clock: Clock
  readonly #limits: RetainedLimits
  readonly #expiries: Agenda
  /** Topics of which the store missed a change; told again when it can write. */
  readonly #missed = new Set<TopicName>()
  #told: Told | undefined
  /** All that wait for a commit, the earliest first. */
  readonly #pending = new Set<Told>()

  constructor(store: Store, clock: Clock, limits: RetainedLimits) {
    this.#store = store
    this.#clock = clock
    this.#limits = limits
    this.#expiries = new Agenda(clock, (topic) => this.#expire(topic as TopicName))
    store.onMood((mood) => {
      if (mood === "healthy") this.#catchUp()
    })
  }

  /** Takes in what the store kept. */
  async restore(): Promise<void> {
    const now = this.#clock.now()
    for await (const records of this.#store.retained()) {
      for (const record of records) this.#restore(record, now)
    }
  }

  /**
   * Makes the message its topic's retained message; an empty payload clears the topic [MQTT-3.3.1-6].
   *
   * @returns what an acknowledgement waits for; `full` beyond the limits, `refused` while nothing can be stored
   */
  keep(message: Message): Ticket | "full" | "refused" | undefined {
    const topic = message.topic.name
    if (message.payload.length === 0) return this.#clear(topic)
    const isFull = this.tree.size >= this.#limits.retainedMessages && !this.tree.has(topic)
    if (isFull || this.tree.bytesWith(message) > this.#limits.retainedBytes) return "full"
    return this.#change(topic, message)
  }

  /** Retains a message for as long as the process lives, and in no store. */
  keepFleeting(message: Message): void {
    this.#apply(message.topic.name, message)
  }

  /**
   * The topic has no retained message any more, as if it had expired: no subscriber hears of it.
   *
   * @returns what is to be waited for; `refused` while nothing can be stored
   */
  remove(topic: TopicName): Ticket | "refused" | undefined {
    return this.#clear(topic)
  }

  /** Nothing expires any more. */
  close(): void {
    this.#expiries.close()
  }

  /** A topic that is clear in memory alone is no clearer to a publisher than one that is not. */
  #clear(topic: TopicName): Ticket | "refused" | undefined {
    if (this.tree.has(topic) || this.#missed.has(topic)) return this.#change(topic, undefined)
    let ticket: Ticket | undefined
    for (const told of this.#pending) if (told.topics.has(topic)) ticket = told.ticket
    return ticket
  }

  #change(topic: TopicName, message: Message | undefined): Ticket | "refused" | undefined {
    const ticket = message === undefined ? this.#store.unretain(topic) : this.#store.retain(message)
    if (ticket?.state === "failed") return "refused"
    if (ticket?.state === "pending") this.#watch(ticket, topic)
    this.#apply(topic, message)
    return ticket
  }

  /** Hot at start: a million of them are not unpacked (bench:scale start). */
  #restore(record: MessageRecord, now: number): void {
    const topic = topicNameOf(record)
    const expiresAtMs = expiryOf(record)
    if (expiresAtMs <= now) {
      this.#store.unretain(topic)
      return
    }
    this.tree.put(topic, record)
    this.#expiries.set(topic, expiresAtMs)
  }

  #expire(topic: TopicName): void {
    if (this.#change(topic, undefined) !== "refused") return
    this.#apply(topic, undefined)
    this.#missed.add(topic)
  }

  #apply(topic: TopicName, message: Message | undefined): void {
    this.tree.apply(topic, message)
    this.#expiries.set(topic, message?.expiresAtMs ?? Number.POSITIVE_INFINITY)
  }

  /** All that waits for one commit shares one ticket, and so one waiter. */
  #watch(ticket: Ticket, topic: TopicName): void {
    if (this.#told?.ticket !== ticket) {
      this.#told = new Told(ticket, this.#missed, this.#pending)
      this.#pending.add(this.#told)
      ticket.wait(this.#told)
    }
    this.#told.topics.add(topic)
  }

  #catchUp(): void {
    for (const topic of [...this.#missed]) {
      this.#missed.delete(topic)
      if (this.#change(topic, this.tree.get(topic)) === "refused") this.#missed.add(topic)
    }
  }
}

/** Topics whose change waits for one commit. */
class Told implements TicketWaiter {
  readonly ticket: Ticket
  readonly topics = new Set<TopicName>()
  readonly #missed: Set<TopicName>
  readonly #pending: Set<Told>

  constructor(ticket: Ticket, missed: Set<TopicName>, pending: Set<Told>) {
    this.ticket = ticket
    this.#missed = missed
    this.#pending = pending
  }

  settled({ state }: Ticket): void {
    this.#pending.delete(this)
    if (state !== "failed") return
    for (const topic of this.topics) this.#missed.add(topic)
  }
}
