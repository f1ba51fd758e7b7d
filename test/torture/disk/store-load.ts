import type { Client } from "../../../src/client/client.ts"
import { ConnectionEnded } from "../../../src/client/client-end.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Random } from "../../support/random.ts"
import { Ledger } from "./ledger.ts"
import { numberedMessage } from "./numbered-message.ts"
import { patiently } from "../patience.ts"
import { Witness } from "./witness.ts"

const publishers = 3
const retainedTopics = 6
const ownFilters = 8
/** A commit that was under way when the disk began to fail may still be good. */
const mostProbes = 1000

/** One of them comes and fetches, one is never there. */
const present = "present"
const absent = "absent"

export interface StoreLoadOptions {
  /** More words behind `serve`. */
  readonly words?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Run before the broker starts. */
  readonly shell?: string
  /** Of the disk's journal, as long as it is now. Without one there is only before and after. */
  readonly position?: () => number
  /** Of the largest messages; 30,000 if not said. */
  readonly mostBytes?: number
}

/** Clients at work. */
export interface Work {
  /** Resolves when so many more messages are accepted. @throws Error when all are gone before */
  until(messages: number): Promise<void>
  /** They stop, and get the answers that still come. */
  end(): Promise<void>
}

/** Clients who ask of a broker all that its store can be asked, and a ledger of what it promised them. */
export class StoreLoad {
  readonly ledger: Ledger
  readonly witness: Witness
  readonly #directory: string
  readonly #random: Random
  readonly #options: StoreLoadOptions
  /** Of all topics together, so that no message is like another. */
  #next = 0
  #lives = 0

  constructor(directory: string, random: Random, options: StoreLoadOptions = {}) {
    this.#directory = directory
    this.#random = random
    this.#options = options
    this.ledger = new Ledger(options.position ?? (() => 0))
    this.witness = new Witness(this.ledger, [absent, present])
  }

  serving(): Promise<WatchedBroker> {
    const { words = [], env = {}, shell = "" } = this.#options
    return WatchedBroker.serving({ words: ["--port", "0", "--data", this.#directory, ...words], env, shell })
  }

  /** Starts the broker, works until so many messages are accepted, and ends the broker. */
  async life(messages: number, end: "kill" | "stop"): Promise<void> {
    const broker = await this.serving()
    const work = await this.begin(broker)
    await work.until(messages)
    // Killed in the midst of it.
    if (end === "kill") await broker.kill()
    await work.end()
    if (end === "stop") await broker.stop()
  }

  async begin(broker: WatchedBroker): Promise<Work> {
    this.#lives += 1
    const connect = (name: string, hasWill = true) => broker.client(this.witness.lasting(name, hasWill))
    const listener = await connect(absent)
    const reader = await connect(present)
    if (this.#lives === 1) for (const each of [listener, reader]) await each.subscribe([to("load/#")])
    await listener.disconnect()
    // A client has no memory beyond its connection, so each life has publishers of its own.
    const own = (name: string) => connect(`${name}-${this.#lives}`)
    const state = { isOver: false }
    const workers = [
      ...Array.from({ length: publishers }, async (_, index) =>
        this.#publish(await own(`publisher-${index}`), `load/${index}`, state),
      ),
      own("retainer").then((client) => this.#retain(client, state)),
      own("changer").then((client) => this.#change(client, state)),
      this.#comeAndGo(connect, state),
    ].map(answered)
    const allAreGone = Promise.all(workers)
    return {
      until: (messages) => this.#until(this.witness.accepted + messages, allAreGone),
      end: async () => {
        state.isOver = true
        await patiently(allAreGone, "the clients to end")
        await reader.disconnect()
      },
    }
  }

  /**
   * Resolves when a promise is refused to a client of its own: others may wait for a PUBCOMP by then, which is never
   * refused, and get no answer to what they sent behind it.
   *
   * @returns how many were acknowledged before
   * @throws Error when it goes on acknowledging, or refuses in other words than 0x97
   */
  async refused(broker: WatchedBroker): Promise<number> {
    this.ledger.asked("retained/probe", "", "probe 0")
    const client = await broker.client({ clientId: "probe" })
    const payload = numberedMessage("probe", 0, 0)
    let acknowledged = 0
    for (; ; acknowledged++) {
      const { reasonCode } = await client.publish({ topic: "probe", payload, qos: 1, retain: true })
      if (reasonCode === ReasonCode.quotaExceeded) break
      if (isError(reasonCode)) throw new Error(`refused with 0x${reasonCode.toString(16)}, and not with 0x97`)
      if (acknowledged === mostProbes)
        throw new Error(`${acknowledged} messages were acknowledged by a disk that takes none`)
    }
    await client.disconnect()
    return acknowledged
  }

  async #until(accepted: number, allAreGone: Promise<unknown>): Promise<void> {
    const enough = this.witness.whenAccepted(accepted)
    await patiently(Promise.race([enough, allAreGone]), "messages to be accepted")
    if (this.witness.accepted < accepted) throw new Error("the clients are gone before their work was done")
  }

  #publish(client: Client, topic: string, state: State): Promise<void> {
    return whileOnline(client, state, () => {
      // Most are short, and some fill pages of their own.
      const { mostBytes = 30_000 } = this.#options
      const fillBytes = this.#random.below(this.#random.oneIn(4) ? mostBytes : Math.min(mostBytes, 600))
      const payload = numberedMessage(topic, this.#next++, fillBytes)
      return client.publish({ topic, payload, qos: this.#random.oneIn(2) ? 1 : 2 })
    })
  }

  #retain(client: Client, state: State): Promise<void> {
    return whileOnline(client, state, () => {
      const topic = `retained/${this.#lives}-${this.#random.below(retainedTopics)}`
      const payload = this.#random.oneIn(3)
        ? new Uint8Array(0)
        : numberedMessage(topic, this.#next++, this.#random.below(2000))
      return client.publish({ topic, payload, qos: this.#random.oneIn(2) ? 1 : 2, retain: true })
    })
  }

  /** One after the other, so that each is either answered or not. */
  async #change(client: Client, state: State): Promise<void> {
    while (!state.isOver) {
      const filter = `own/${this.#random.below(ownFilters)}`
      if (this.#random.oneIn(2)) await client.subscribe([to(filter)])
      else await client.unsubscribe([filter])
    }
    await client.disconnect()
  }

  /** Every other one is back before it is gone, without a will: that takes back the one that it left. Then it stays a while. */
  async #comeAndGo(
    connect: (name: string, hasWill: boolean) => Promise<Client>,
    state: State,
  ): Promise<void> {
    let back: Client | undefined
    for (let comer = 0; !state.isOver; comer++) {
      const name = `comer-${this.#lives}-${comer}`
      const client = await connect(name, true)
      await client.subscribe([to("own/comers")])
      if (comer % 2 === 0) await client.disconnect()
      else {
        await back?.disconnect()
        back = await connect(name, false)
      }
    }
    await back?.disconnect()
  }
}

interface State {
  isOver: boolean
}

/** Publishes as fast as the window allows, and leaves when it has its answers. */
async function whileOnline(client: Client, state: State, publish: () => Promise<unknown>): Promise<void> {
  const asked = new Set<Promise<void>>()
  while (!state.isOver) {
    await client.whenWritable()
    const answer: Promise<void> = answered(publish()).then(() => void asked.delete(answer))
    asked.add(answer)
  }
  await Promise.all(asked)
  await client.disconnect()
}

/** What the end of the broker leaves open is nobody's fault: the ledger knows that it was asked. */
async function answered(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!isEndOfBroker(error)) throw error
  }
}

/** A connection that broke, or one that nobody accepted. */
function isEndOfBroker(error: unknown): boolean {
  return (
    error instanceof ConnectionEnded || (error instanceof Error && error.message.startsWith("Cannot connect"))
  )
}

function to(filter: string) {
  return { filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}
