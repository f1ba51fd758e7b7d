import type { Client } from "../../../src/client/client.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { parseTopicName } from "../../../src/protocol/topic.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { connect, disconnect } from "../../support/packets.ts"
import { patiently } from "../patience.ts"
import { crowdOf } from "./pieces.ts"
import { figuresOf } from "./process-figures.ts"
import { WirePeer } from "./wire-peer.ts"

const name = "leftovers"
const patienceMs = 15_000
const lookEveryMs = 5

/** What strangers have left in the broker: it is known to all, taken away, and then nothing may be left. */
export class Leftovers {
  readonly #broker: WatchedBroker
  readonly #client: Client
  readonly #counters: Map<string, number>
  readonly #clientIds = new Set<string>()
  readonly #topics = new Set<string>()
  sessions = 0
  topics = 0

  private constructor(broker: WatchedBroker, client: Client, counters: Map<string, number>) {
    this.#broker = broker
    this.#client = client
    this.#counters = counters
  }

  static async of(broker: WatchedBroker): Promise<Leftovers> {
    const counters = new Map<string, number>()
    const client = await broker.client({
      clientId: name,
      onMessage: ({ topic, payload }) => void counters.set(topic, Number(Buffer.from(payload).toString())),
    })
    const filter = "$SYS/#"
    await client.subscribe([{ filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }])
    return new Leftovers(broker, client, counters)
  }

  add(clientIds: readonly string[], topics: readonly string[]): void {
    for (const clientId of clientIds) this.#clientIds.add(clientId)
    for (const topic of topics) this.#topics.add(topic)
  }

  /** Ends each session first, for its will may be retained. @throws Error when it waits for an answer in vain */
  async clear(): Promise<void> {
    this.sessions += this.#clientIds.size
    await crowdOf([...this.#clientIds], 32, (clientId) => this.#end(clientId))
    // What is no topic here was not retained either.
    const topics = [...this.#topics].filter((topic) => parseTopicName(topic) !== undefined)
    this.topics += topics.length
    await crowdOf(topics, 32, async (topic) => {
      const said = this.#client.publish({ topic, payload: new Uint8Array(0), qos: 1, retain: true })
      await patiently(said, `the end of what is retained at ${topic}`)
    })
    this.#clientIds.clear()
    this.#topics.clear()
  }

  /** What is left besides ourselves, once there is nothing, or after a while. */
  async leftAtLast(): Promise<{ sessions: number; subscriptions: number; retained: number }> {
    const look = () => ({
      sessions: this.#counter("clients/total") - 1,
      subscriptions: this.#counter("subscriptions/count") - 1,
      // The counters are retained as well, and we have heard each of them.
      retained: this.#counter("retained messages/count") - this.#counters.size,
    })
    await this.#until(() => Object.values(look()).every((count) => count === 0))
    return look()
  }

  /** How many files it has open, once they are no more than so many, or after a while. We leave for it. */
  async filesAtLast(atMost: number): Promise<number> {
    await this.#until(() => figuresOf(this.#broker.pid).files <= atMost)
    const { files } = figuresOf(this.#broker.pid)
    await this.#client.disconnect()
    return files
  }

  #counter(named: string): number {
    return this.#counters.get(`$SYS/broker/${named}`) ?? Number.NaN
  }

  async #end(clientId: string): Promise<void> {
    const peer = await WirePeer.connect(
      { scheme: "tcp", host: "127.0.0.1", port: this.#broker.port("tcp") },
      5,
    )
    peer.send(encodePacket(connect(5, { clientId }), 5), encodePacket(disconnect(), 5))
    await patiently(peer.closed, `the end of the session of ${clientId}`)
  }

  /** The system tells nobody when a file is closed, so somebody has to look. */
  async #until(isSo: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    while (!isSo() && performance.now() < deadlineMs) await Bun.sleep(lookEveryMs)
  }
}
