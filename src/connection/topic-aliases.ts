import type { Topic } from "../protocol/message.ts"
import { ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { TopicName } from "../protocol/topic.ts"

/** The aliases a client gave to topics it publishes to; they die with the connection [3.3.2.3.4]. */
export class InboundAliases {
  readonly #maximum: number
  readonly #topics: (Topic | undefined)[] = []

  /** @param maximum what CONNACK announced */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * @param topic the topic that came with the alias, or undefined when the alias stands alone
   * @throws ProtocolError topicAliasInvalid beyond the maximum [MQTT-3.3.2-9], protocolError for one never given
   */
  resolve(alias: number, topic: Topic | undefined): Topic {
    if (alias > this.#maximum) throw new ProtocolError(ReasonCode.topicAliasInvalid)
    if (topic !== undefined) {
      this.#topics[alias] = topic
      return topic
    }
    const known = this.#topics[alias]
    if (known === undefined) throw protocolError(`topic alias ${alias} was never given a topic`)
    return known
  }
}

/** The aliases we gave to topics we send: the first topics of a connection get them, until none is left. */
export class OutboundAliases {
  readonly #maximum: number
  readonly #aliases = new Map<TopicName, number>()

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** @returns 0 when the topic has none */
  find(topic: TopicName): number {
    return this.#aliases.get(topic) ?? 0
  }

  /** @returns the alias the topic would get next, 0 when there is none left */
  get free(): number {
    return this.#aliases.size < this.#maximum ? this.#aliases.size + 1 : 0
  }

  /** The client was told of it. */
  settle(topic: TopicName): void {
    this.#aliases.set(topic, this.#aliases.size + 1)
  }
}
