import { type Client, connectClient } from "../../src/client/client.ts"
import type { ClientOptions } from "../../src/client/client-options.ts"
import type { Connack, ProtocolVersion, Publish, Qos, SubscribeRequest } from "../../src/protocol/packet.ts"
import { isError, type ReasonCode } from "../../src/protocol/reason-code.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"

/** Who we say that we are. */
export interface Credentials {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
}

/** A client of ours, and what came to it. */
export interface Visitor {
  readonly client: Client
  readonly connack: Connack
  /** The next message. @throws Error when none comes in time */
  next(): Promise<Publish>
}

/** Longest wait for a message that must come. */
const patienceMs = 3_000

/** One look at a broker: opens clients, keeps its topics apart from those of others, and clears up behind itself. */
export class Visit implements AsyncDisposable {
  readonly #target: ConnectTarget
  readonly #credentials: Credentials
  readonly #mark = crypto.randomUUID().slice(0, 8)
  readonly #clients: Client[] = []
  readonly #retained: string[] = []
  #count = 0

  constructor(target: ConnectTarget, credentials: Credentials) {
    this.#target = target
    this.#credentials = credentials
  }

  /** A topic that nobody else has. */
  topic(name: string): string {
    return `bantam-check/${this.#mark}/${name}`
  }

  /** A client identifier that nobody else has, of what any server takes [3.1.3.1]. */
  newClientId(): string {
    this.#count += 1
    return `bantam${this.#mark}n${this.#count}`
  }

  /** @throws Error, ConnectionEnded */
  async open(version: ProtocolVersion, options: Partial<ClientOptions> = {}): Promise<Visitor> {
    const came: Publish[] = []
    let waiting: PromiseWithResolvers<Publish> | undefined
    let connack: Connack | undefined
    const client = await connectClient(this.#target, {
      version,
      clientId: this.newClientId(),
      ...this.#credentials,
      ...options,
      onPacket: (_, packet) => {
        if (packet.type === "connack") connack = packet
      },
      onMessage: (message) => {
        const copy = { ...message, payload: Uint8Array.from(message.payload) }
        if (waiting === undefined) came.push(copy)
        else waiting.resolve(copy)
        waiting = undefined
      },
    })
    this.#clients.push(client)
    if (connack === undefined) throw new Error("assertion failed: a client that is online has its CONNACK")
    const next = async (): Promise<Publish> => {
      const [first] = came.splice(0, 1)
      if (first !== undefined) return first
      waiting = Promise.withResolvers<Publish>()
      const late = setTimeout(() => waiting?.reject(new Error("no message came")), patienceMs)
      try {
        return await waiting.promise
      } finally {
        clearTimeout(late)
      }
    }
    return { client, connack, next }
  }

  /** @returns why it was refused; undefined when it was granted */
  async subscribe({ client }: Visitor, filter: string, qos: Qos = 0): Promise<ReasonCode | undefined> {
    const request: SubscribeRequest = {
      filter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    }
    const { reasonCodes } = await client.subscribe([request])
    return reasonCodes.find(isError)
  }

  /** Retained until the visit is over. */
  async retain({ client }: Visitor, topic: string, payload: Uint8Array): Promise<void> {
    await client.publish({ topic, payload, qos: 1, retain: true })
    this.#retained.push(topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#retained.length > 0) {
      const { client } = await this.open(4)
      for (const topic of this.#retained) {
        await client.publish({ topic, payload: new Uint8Array(0), qos: 1, retain: true })
      }
    }
    for (const client of this.#clients) await client.disconnect()
  }
}
