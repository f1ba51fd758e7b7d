import type { Client } from "../../../src/client/client.ts"
import { ConnectionEnded } from "../../../src/client/client-end.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Random } from "../crash/random.ts"
import type { FaultyDisk } from "./faulty-disk.ts"
import { Ledger } from "./ledger.ts"
import { numberedMessage } from "./numbered-message.ts"
import { Witness } from "./witness.ts"

const publishers = 3
const retainedTopics = 6
const ownFilters = 8

/** One of them comes and fetches, one is never there. */
const present = "present"
const absent = "absent"

/** A broker on a disk that is recorded, and clients who ask of it all that a store can be asked. */
export class RecordedLoad {
  readonly ledger: Ledger
  readonly witness: Witness
  readonly #disk: FaultyDisk
  readonly #random: Random
  readonly #words: readonly string[]
  /** Of all topics together, so that no message is like another. */
  #next = 0
  #lives = 0

  constructor(disk: FaultyDisk, random: Random, words: readonly string[] = []) {
    this.#disk = disk
    this.#random = random
    this.#words = words
    this.ledger = new Ledger(() => disk.journalBytes)
    this.witness = new Witness(this.ledger, [absent, present])
  }

  /** Starts the broker, works until so many messages are accepted, and ends the broker in the midst of it. */
  async life(messages: number, end: "kill" | "stop"): Promise<void> {
    const broker = await this.serving()
    const enough = this.witness.accepted + messages
    const clients = await this.#clients(broker)
    const isOver = () => this.witness.accepted >= enough
    await Promise.all(clients.map((work) => work(isOver)))
    if (end === "kill") await broker.kill()
    else await broker.stop()
  }

  /** The broker alone, for whoever torments it in another way. */
  serving(): Promise<WatchedBroker> {
    const words = ["--port", "0", "--data", this.#disk.directory, ...this.#words]
    return WatchedBroker.serving({ words, env: this.#disk.env })
  }

  async #clients(broker: WatchedBroker): Promise<((isOver: () => boolean) => Promise<void>)[]> {
    this.#lives += 1
    const connect = (name: string) => broker.client(this.witness.lasting(name))
    for (const name of [absent, present]) {
      const listener = await connect(name)
      if (this.#lives === 1) await listener.subscribe([to("load/#")])
      if (name === absent) await listener.disconnect()
    }
    // A client has no memory beyond its connection, so each life has publishers of its own.
    const own = (name: string) => connect(`${name}-${this.#lives}`)
    const publishing = Array.from({ length: publishers }, async (_, index) => {
      const client = await own(`publisher-${index}`)
      return (isOver: () => boolean) => this.#publish(client, `load/${index}`, isOver)
    })
    const [retainer, changer] = await Promise.all([own("retainer"), own("changer")])
    return [
      ...(await Promise.all(publishing)),
      (isOver) => this.#retain(retainer, isOver),
      (isOver) => this.#change(changer, isOver),
      (isOver) => this.#comeAndGo(connect, isOver),
    ]
  }

  #publish(client: Client, topic: string, isOver: () => boolean): Promise<void> {
    return whileOnline(client, isOver, () => {
      // Most are short, and some fill pages of their own.
      const fillBytes = this.#random.below(this.#random.oneIn(4) ? 30_000 : 600)
      const payload = numberedMessage(topic, this.#next++, fillBytes)
      return client.publish({ topic, payload, qos: this.#random.oneIn(2) ? 1 : 2 })
    })
  }

  #retain(client: Client, isOver: () => boolean): Promise<void> {
    return whileOnline(client, isOver, () => {
      const topic = `retained/${this.#lives}-${this.#random.below(retainedTopics)}`
      const payload = this.#random.oneIn(3)
        ? new Uint8Array(0)
        : numberedMessage(topic, this.#next++, this.#random.below(2000))
      return client.publish({ topic, payload, qos: this.#random.oneIn(2) ? 1 : 2, retain: true })
    })
  }

  /** One after the other, so that each is either answered or not. */
  async #change(client: Client, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const filter = `own/${this.#random.below(ownFilters)}`
      await answered(this.#random.oneIn(2) ? client.subscribe([to(filter)]) : client.unsubscribe([filter]))
    }
  }

  async #comeAndGo(connect: (name: string) => Promise<Client>, isOver: () => boolean): Promise<void> {
    for (let comer = 0; !isOver(); comer++) {
      const client = await connect(`comer-${this.#lives}-${comer}`)
      await answered(client.subscribe([to("own/comers")]))
      await client.disconnect()
    }
  }
}

/** Publishes as fast as the window allows. */
async function whileOnline(
  client: Client,
  isOver: () => boolean,
  publish: () => Promise<unknown>,
): Promise<void> {
  while (!isOver()) {
    await answered(client.whenWritable())
    void answered(publish())
  }
}

/** What the end of the broker leaves open is nobody's fault: the ledger knows that it was asked. */
async function answered(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!(error instanceof ConnectionEnded)) throw error
  }
}

function to(filter: string) {
  return { filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}
