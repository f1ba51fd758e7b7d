import { type Client, connectClient } from "../../../src/client/client.ts"
import type { Publish } from "../../../src/protocol/packet.ts"

const prefix = "$SYS/broker/"

/** What the broker still has of anybody but the monitor, by its own account. */
export interface Remains {
  readonly sessions: number
  readonly connections: number
  readonly subscriptions: number
  readonly retained: number
  readonly queued: number
}

/** Reads what a broker says of itself under $SYS, a report at a time. */
export class Monitor {
  readonly #values = new Map<string, string>()
  readonly #client: Client
  #report = Promise.withResolvers<void>()

  private constructor(client: Client) {
    this.#client = client
  }

  /** @param onLost is told when its connection ends before `close` */
  static async of(port: number, onLost: (why: string) => void): Promise<Monitor> {
    const waiting: Publish[] = []
    let take = (publish: Publish): void => {
      waiting.push(publish)
    }
    const client = await connectClient(
      { scheme: "tcp", host: "127.0.0.1", port },
      { version: 5, clientId: "monitor", keepAliveSeconds: 30, onMessage: (publish) => take(publish) },
    )
    const monitor = new Monitor(client)
    take = (publish) => monitor.#take(publish)
    for (const publish of waiting) take(publish)
    void client.ended.then((end) => {
      if (end.why !== "disconnected") onLost(`the connection of the monitor ended: ${end.why}`)
    })
    const request = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    await client.subscribe([{ filter: `${prefix}#`, qos: 0, ...request }])
    await monitor.nextReport()
    return monitor
  }

  /** Resolves when all of one more report has come. */
  nextReport(): Promise<void> {
    return this.#report.promise
  }

  number(name: string): number {
    return Number(this.#values.get(name) ?? Number.NaN)
  }

  get remains(): Remains {
    // Its own: one connection with its session, one subscription, and a retained message for each of its topics.
    return {
      sessions: this.number("clients/total") - 1,
      connections: this.number("clients/connected") - 1,
      subscriptions: this.number("subscriptions/count") + this.number("shared_subscriptions/count") - 1,
      retained: this.number("retained messages/count") - this.#values.size,
      queued: this.number("messages/stored"),
    }
  }

  async close(): Promise<void> {
    await this.#client.disconnect()
  }

  #take({ topic, payload }: Publish): void {
    const name = topic.slice(prefix.length)
    // Comes first in each report, and is never as it was.
    if (name === "uptime" && this.#values.has(name)) {
      this.#report.resolve()
      this.#report = Promise.withResolvers<void>()
    }
    this.#values.set(name, Buffer.from(payload).toString())
  }
}
