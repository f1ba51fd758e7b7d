import type { Publish } from "../../../src/protocol/packet.ts"
import { ConnectionGone } from "./connection.ts"
import type { Random } from "../../support/random.ts"
import { SessionClient, type SessionClientOptions } from "./session-client.ts"
import { Stream } from "./stream.ts"

const extraFilters = 20

/** What a listener knows of one of its subscriptions: acknowledged either way, or asked for and not answered. */
type Interest = "subscribed" | "unsubscribed" | "unsure"

export interface ListenerFindings {
  lost: number
  /** Of QoS 2 messages; those of QoS 1 may come again. */
  duplicates: number
  outOfOrder: number
  subscriptionsWrong: number
}

/** Subscribes to everything that is published, and to topics of its own that come and go during the run. */
export class Listener {
  readonly client: SessionClient
  readonly #random: Random
  readonly #streams = new Map<string, Stream>()
  readonly #interests = new Map<string, Interest>()
  readonly #probed = new Set<string>()
  #marker = ""
  #markerCame: PromiseWithResolvers<void> | undefined
  #isChanging = false
  delivered = 0

  constructor(name: string, random: Random, options: Omit<SessionClientOptions, "clientId">) {
    this.client = new SessionClient({
      ...options,
      clientId: name,
      onMessage: (publish) => this.#received(publish),
    })
    this.#random = random
    for (let extra = 0; extra < extraFilters; extra++) {
      this.#interests.set(`extra/${name}/${extra}`, "unsubscribed")
    }
  }

  /** Topics that only this listener may be subscribed to. */
  get extras(): IterableIterator<string> {
    return this.#interests.keys()
  }

  async subscribe(): Promise<void> {
    await this.client.subscribe("load/#", 2)
    await this.client.subscribe("end", 1)
  }

  /** Subscribes and unsubscribes, one after the other, until told to stop or cut off. */
  async change(): Promise<void> {
    this.#isChanging = true
    try {
      while (this.#isChanging) await this.#changeOne()
    } catch (error) {
      if (!(error instanceof ConnectionGone)) throw error
    }
  }

  stopChanging(): void {
    this.#isChanging = false
  }

  /** Resolves when the message with this payload has come to the topic `end`: all before it has come, too. */
  reaches(marker: string): Promise<void> {
    this.#markerCame = Promise.withResolvers<void>()
    if (this.#marker === marker) this.#markerCame.resolve()
    this.#marker = marker
    return this.#markerCame.promise
  }

  /** What was wrong since the last time. @param sent messages of each topic that must have come */
  findings(sent: ReadonlyMap<string, number>): ListenerFindings {
    const findings = { lost: 0, duplicates: 0, outOfOrder: 0, subscriptionsWrong: this.#wrongInterests() }
    for (const [topic, count] of sent) {
      const stream = this.#stream(topic)
      findings.lost += stream.lost(count)
      if (topic.startsWith("load/2/")) findings.duplicates += stream.duplicates
      findings.outOfOrder += stream.outOfOrder
      stream.duplicates = 0
      stream.outOfOrder = 0
    }
    return findings
  }

  async #changeOne(): Promise<void> {
    const filter = [...this.#interests.keys()][this.#random.below(extraFilters)] ?? ""
    const before = this.#interests.get(filter)
    this.#interests.set(filter, "unsure")
    if (before === "subscribed") {
      await this.client.unsubscribe(filter)
      this.#interests.set(filter, "unsubscribed")
    } else {
      await this.client.subscribe(filter, 1)
      this.#interests.set(filter, "subscribed")
    }
  }

  #received({ topic, payload }: Publish): void {
    const text = Buffer.from(payload).toString()
    if (topic.startsWith("load/")) {
      this.delivered += 1
      this.#stream(topic).take(Number.parseInt(text))
    } else if (topic === "end") {
      if (text === this.#marker) this.#markerCame?.resolve()
      else this.#marker = text
    } else this.#probed.add(topic)
  }

  #stream(topic: string): Stream {
    const known = this.#streams.get(topic)
    if (known !== undefined) return known
    const stream = new Stream()
    this.#streams.set(topic, stream)
    return stream
  }

  /** Every topic of ours was published to once: what came must be what was granted. */
  #wrongInterests(): number {
    let wrong = 0
    for (const [filter, interest] of this.#interests) {
      const found = this.#probed.has(filter) ? "subscribed" : "unsubscribed"
      if (interest !== "unsure" && interest !== found) wrong += 1
      this.#interests.set(filter, found)
    }
    this.#probed.clear()
    return wrong
  }
}
