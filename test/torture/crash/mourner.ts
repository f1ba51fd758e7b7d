import type { Publish } from "../../../src/protocol/packet.ts"
import { SessionClient, type SessionClientOptions } from "./session-client.ts"

/** Hears of every will, however often it has to connect. */
export class Mourner {
  readonly client: SessionClient
  /** When each message came, by its topic. */
  readonly #arrivals = new Map<string, number[]>()
  readonly #awaited = new Map<string, PromiseWithResolvers<void>>()

  constructor(options: Omit<SessionClientOptions, "clientId">) {
    this.client = new SessionClient({
      ...options,
      clientId: "mourner",
      onMessage: (publish) => this.#received(publish),
    })
  }

  async prepare(port: number): Promise<void> {
    await this.client.connect(port)
    await this.client.subscribe("wills/#", 2)
  }

  arrivals(topic: string): readonly number[] {
    return this.#arrivals.get(topic) ?? []
  }

  /** Resolves when a message of that topic has come. */
  hears(topic: string): Promise<void> {
    if (this.#arrivals.has(topic)) return Promise.resolve()
    const awaited = this.#awaited.get(topic) ?? Promise.withResolvers<void>()
    this.#awaited.set(topic, awaited)
    return awaited.promise
  }

  #received({ topic }: Publish): void {
    const arrivals = this.#arrivals.get(topic)
    if (arrivals === undefined) this.#arrivals.set(topic, [Date.now()])
    else arrivals.push(Date.now())
    this.#awaited.get(topic)?.resolve()
    this.#awaited.delete(topic)
  }
}
