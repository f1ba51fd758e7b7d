import type { Random } from "../../support/random.ts"
import { SessionClient, type SessionClientOptions } from "./session-client.ts"

const window = 20
/** More would only make the drain longer. */
const messagesPerRound = 5_000

/** Publishes numbered messages at QoS 1 and 2, each QoS to a topic of its own, as fast as they are acknowledged. */
export class LoadPublisher {
  readonly client: SessionClient
  readonly #random: Random
  readonly #topics: Readonly<Record<1 | 2, string>>
  readonly #sent = { 1: 0, 2: 0 }
  #left = 0

  constructor(index: number, random: Random, options: Omit<SessionClientOptions, "clientId">) {
    this.client = new SessionClient({
      ...options,
      clientId: `publisher-${index}`,
      onDone: () => this.#publish(),
    })
    this.#random = random
    this.#topics = { 1: `load/1/${index}`, 2: `load/2/${index}` }
  }

  /** How many messages each topic has seen. */
  get sent(): ReadonlyMap<string, number> {
    return new Map([
      [this.#topics[1], this.#sent[1]],
      [this.#topics[2], this.#sent[2]],
    ])
  }

  start(): void {
    this.#left = messagesPerRound
    this.#publish()
  }

  /** What is on its way still goes its way. */
  stop(): void {
    this.#left = 0
  }

  #publish(): void {
    for (; this.#left > 0 && this.client.unacknowledged < window; this.#left--) {
      const qos = this.#random.oneIn(2) ? 2 : 1
      const filler = ".".repeat(this.#random.below(300))
      this.client.publish(this.#topics[qos], `${this.#sent[qos]++} ${filler}`, qos)
    }
  }
}
