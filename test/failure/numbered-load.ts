import type { Client } from "../../src/client/client.ts"
import { ConnectionEnded } from "../../src/client/client-end.ts"

/** Messages on their way at a time. */
const lanes = 16

/**
 * Publishes numbers to the topic `news` without end, or until the broker is gone, and knows how many were acknowledged
 * without a gap.
 */
export class NumberedLoad {
  readonly #publisher: Pick<Client, "publish">
  readonly #lanes: Promise<void>[] = []
  #next = 0
  #isOver = false
  readonly #acknowledged = new Set<number>()
  #inOrder = 0
  #working = lanes

  constructor(publisher: Pick<Client, "publish">) {
    this.#publisher = publisher
    for (let lane = 0; lane < lanes; lane++) this.#lanes.push(this.#publish())
  }

  /** All numbers below this one. */
  get acknowledged(): number {
    while (this.#acknowledged.delete(this.#inOrder)) this.#inOrder += 1
    return this.#inOrder
  }

  /** @throws Error when the broker is gone before so many are acknowledged */
  async reaches(count: number): Promise<void> {
    while (this.acknowledged < count) {
      if (this.#working === 0)
        throw new Error(`the broker is gone after ${this.acknowledged} of ${count} messages`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when all that was published is acknowledged, or the broker is gone. */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
  }

  async #publish(): Promise<void> {
    try {
      while (!this.#isOver) {
        const number = this.#next++
        await this.#publisher.publish({ topic: "news", payload: Buffer.from(String(number)), qos: 1 })
        this.#acknowledged.add(number)
      }
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
    } finally {
      this.#working -= 1
    }
  }
}
