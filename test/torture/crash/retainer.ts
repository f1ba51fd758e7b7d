import type { Random } from "../../support/random.ts"
import { SessionClient, type SessionClientOptions } from "./session-client.ts"

const window = 10
const topicsEach = 5
const valuesPerRound = 3_000

/** A topic's retained message, as far as its one publisher can know. An empty payload clears it [3.3.1.3]. */
interface Retained {
  acknowledged: string
  /** Sent after it and not acknowledged: each of them may stand there already. */
  unsure: string[]
}

/** Sets and clears the retained messages of a few topics that nobody else publishes to. */
export class Retainer {
  readonly client: SessionClient
  readonly #random: Random
  readonly #retained = new Map<string, Retained>()
  #counter = 0
  #left = 0

  constructor(index: number, random: Random, options: Omit<SessionClientOptions, "clientId">) {
    this.client = new SessionClient({
      ...options,
      clientId: `retainer-${index}`,
      onDone: () => this.#publish(),
    })
    this.#random = random
    for (let topic = 0; topic < topicsEach; topic++) {
      this.#retained.set(`retained/${index}/${topic}`, { acknowledged: "", unsure: [] })
    }
  }

  start(): void {
    this.#left = valuesPerRound
    this.#publish()
  }

  stop(): void {
    this.#left = 0
  }

  /** @param found what a new subscriber got. @returns the topics where it is not what it must be */
  wrong(found: ReadonlyMap<string, string>): string[] {
    return [...this.#retained].flatMap(([topic, { acknowledged, unsure }]) => {
      const value = found.get(topic) ?? ""
      if (value === acknowledged || unsure.includes(value)) return []
      return [`${topic} holds "${value}" and not "${acknowledged}"`]
    })
  }

  #publish(): void {
    for (; this.#left > 0 && this.client.unacknowledged < window; this.#left--) {
      const [topic, retained] = [...this.#retained][this.#random.below(topicsEach)] ?? []
      if (topic === undefined || retained === undefined) return
      const value = this.#random.oneIn(3) ? "" : `value ${this.#counter++}`
      retained.unsure.push(value)
      this.client.publish(topic, value, topic.endsWith("0") ? 2 : 1, true, () => {
        retained.acknowledged = value
        retained.unsure.splice(0, retained.unsure.indexOf(value) + 1)
      })
    }
  }
}
