import type { Publish } from "../../../src/protocol/packet.ts"
import { SessionClient, type SessionClientOptions } from "./session-client.ts"

const sentinel = "sentinel"

/** Looks up all retained messages, as a new subscriber sees them. */
export class Inspector {
  readonly client: SessionClient
  readonly #found = new Map<string, string>()
  #sentinelCame: PromiseWithResolvers<void> | undefined

  constructor(options: Omit<SessionClientOptions, "clientId">) {
    this.client = new SessionClient({
      ...options,
      clientId: "inspector",
      onMessage: (publish) => this.#received(publish),
    })
  }

  /** Retains the message that tells us later that all others have come. */
  async prepare(port: number): Promise<void> {
    await this.client.connect(port)
    this.client.publish(sentinel, "the last one", 1, true)
    await this.client.whenIdle()
    await this.client.leave()
  }

  /** @returns payloads by topic */
  async look(port: number): Promise<ReadonlyMap<string, string>> {
    this.#found.clear()
    this.#sentinelCame = Promise.withResolvers<void>()
    await this.client.connect(port)
    await this.client.subscribe("retained/#", 1)
    await this.client.subscribe(sentinel, 1)
    await this.#sentinelCame.promise
    await this.client.unsubscribe("retained/#")
    await this.client.unsubscribe(sentinel)
    await this.client.leave()
    return this.#found
  }

  /** Only what was retained before carries RETAIN [3.3.1.3]; the rest is published while we look. */
  #received({ topic, payload, retain }: Publish): void {
    if (topic === sentinel) this.#sentinelCame?.resolve()
    else if (retain) this.#found.set(topic, Buffer.from(payload).toString())
  }
}
