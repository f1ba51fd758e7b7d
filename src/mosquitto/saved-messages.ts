import { isExpired, type Message, nextMessageCounter, topicOf } from "../protocol/message.ts"
import type { ClientId, Qos } from "../protocol/packet.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import { parseTopicName, wireTopicLimits } from "../protocol/topic.ts"
import type { SavedMessage } from "./saved-state.ts"

/** The messages of a database as ours: each is made once, so that the sessions that wait for it share it. */
export class SavedMessages {
  readonly #saved: ReadonlyMap<bigint, SavedMessage>
  readonly #nowMs: number
  readonly #say: (what: string) => void
  readonly #made = new Map<bigint, Message | undefined>()
  readonly #publishes = new Map<Message, SharedPublish>()
  #expired = 0

  /** @param say takes a sentence about each that is left out */
  constructor(saved: ReadonlyMap<bigint, SavedMessage>, nowMs: number, say: (what: string) => void) {
    this.#saved = saved
    this.#nowMs = nowMs
    this.#say = say
  }

  /** How often `isOver` was true. */
  get expired(): number {
    return this.#expired
  }

  /** @param what wants it, for the sentence that it is not there */
  find(storeId: bigint, what: string): Message | undefined {
    if (this.#made.has(storeId)) return this.#made.get(storeId)
    const saved = this.#saved.get(storeId)
    if (saved === undefined)
      this.#say(`${what} is left out, for the message itself (${storeId}) is not there`)
    const message = saved === undefined ? undefined : this.#make(saved)
    this.#made.set(storeId, message)
    return message
  }

  publishOf(message: Message): SharedPublish {
    let publish = this.#publishes.get(message)
    if (publish === undefined) this.#publishes.set(message, (publish = new SharedPublish(message)))
    return publish
  }

  isOver(message: Message): boolean {
    const isOver = isExpired(message, this.#nowMs)
    if (isOver) this.#expired += 1
    return isOver
  }

  #make(saved: SavedMessage): Message | undefined {
    const name = parseTopicName(saved.topic, wireTopicLimits)
    const qos = parseQos(saved.qos)
    if (name === undefined || qos === undefined) {
      this.#say(
        `a message has the topic ${JSON.stringify(saved.topic)} and QoS ${saved.qos}, and is left out`,
      )
      return undefined
    }
    const { expiresAtSeconds, sourceClientId, sourceUsername } = saved
    return {
      topic: topicOf(name),
      payload: saved.payload,
      qos,
      retain: saved.retain,
      properties: saved.properties,
      expiresAtMs: expiresAtSeconds <= 0 ? Number.POSITIVE_INFINITY : expiresAtSeconds * 1000,
      publisher: {
        origin: sourceClientId === "" ? "broker" : "client",
        clientId: sourceClientId as ClientId | "",
        username: sourceUsername,
      },
      receivedAtMs: this.#nowMs,
      counter: nextMessageCounter(),
      hops: 0,
    }
  }
}

/** @returns undefined for what is none [3.3.1.2] */
export function parseQos(value: number): Qos | undefined {
  return value === 0 || value === 1 || value === 2 ? value : undefined
}
