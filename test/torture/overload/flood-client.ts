import { decodePacket } from "../../../src/protocol/decoder.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import {
  type Connect,
  type Packet,
  type PacketId,
  packetTypeNumber,
  type ProtocolVersion,
  type Publish,
  type Qos,
  type SubscribeRequest,
} from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { connect } from "../../../src/transport/connect.ts"
import type { Socket } from "../../../src/transport/socket.ts"

/** What a flood client says of itself; the rest is as plain as can be. */
export type FloodClientOptions = Partial<Omit<Connect, "type">> & {
  /** Hot. Takes the PUBLISHes, where they lie. */
  readonly onPublish?: (client: FloodClient, frame: FrameReader) => void
}

type PacketType = Packet["type"]

interface Waiter {
  readonly type: PacketType
  readonly count: number
  go(): void
}

const longestPacketBytes = 268_435_460

/**
 * A client that says what it is told to, however much that is, and answers nothing. What comes is counted where it
 * lies; but for PUBLISHes, the last of each kind can be looked at.
 */
export class FloodClient {
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly #frames = new FrameReader(longestPacketBytes)
  readonly #onPublish: FloodClientOptions["onPublish"]
  readonly #closed = Promise.withResolvers<void>()
  readonly #counts: number[] = Array.from({ length: 16 }, () => 0)
  readonly #last = new Map<PacketType, Packet>()
  readonly #waiters = new Set<Waiter>()
  #isOpen = true
  #socket: Socket | undefined
  #writable: (() => void) | undefined

  private constructor({ clientId = "", version = 5, onPublish }: FloodClientOptions) {
    this.clientId = clientId
    this.version = version
    this.#onPublish = onPublish
  }

  /** Resolves when CONNACK has come, or the connection is over. */
  static async connect(port: number, options: FloodClientOptions): Promise<FloodClient> {
    const client = new FloodClient(options)
    client.#socket = await connect(
      { scheme: "tcp", host: "127.0.0.1", port },
      {
        received: (chunk) => client.#received(chunk),
        writable: () => client.#writable?.(),
        closed: () => client.#gone(),
      },
    )
    const { onPublish: _, ...words } = options
    client.send({
      type: "connect",
      version: client.version,
      bridge: false,
      cleanStart: true,
      keepAliveSeconds: 0,
      clientId: client.clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: noProperties,
      ...words,
    })
    await client.until("connack", 1)
    return client
  }

  /** So many, a few hundred at a time. */
  static async crowd(
    count: number,
    port: number,
    options: (index: number) => FloodClientOptions,
  ): Promise<FloodClient[]> {
    const clients: FloodClient[] = []
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(200, count - clients.length) }, (_, index) =>
        FloodClient.connect(port, options(clients.length + index)),
      )
      clients.push(...(await Promise.all(some)))
    }
    return clients
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Resolves when the connection is over, whoever ended it. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** How many packets of that type have come. */
  count(type: PacketType): number {
    return this.#counts[packetTypeNumber[type]] ?? 0
  }

  /** The last that came; of a PUBLISH nothing is kept. */
  last<Type extends Exclude<PacketType, "publish">>(
    type: Type,
  ): Extract<Packet, { readonly type: Type }> | undefined {
    return this.#last.get(type) as Extract<Packet, { readonly type: Type }> | undefined
  }

  /** Resolves when so many have come in all, or when nothing comes any more. */
  until(type: PacketType, count: number): Promise<void> {
    if (!this.#isOpen || this.count(type) >= count) return Promise.resolve()
    return new Promise((go) => this.#waiters.add({ type, count, go }))
  }

  send(...packets: readonly Packet[]): void {
    for (const packet of packets) this.#socket?.output.append(encodePacket(packet, this.version))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket?.output.append(bytes)
  }

  /** Resolves when more may be sent without its piling up here, or the connection is over. */
  async flowing(): Promise<void> {
    while (this.#isOpen && this.#socket?.output.writable === false) {
      await new Promise<void>((resolve) => (this.#writable = resolve))
    }
  }

  /** Resolves when the broker has read all that was sent before, or the connection is over. */
  async ping(): Promise<void> {
    const answered = this.until("pingresp", this.count("pingresp") + 1)
    this.send({ type: "pingreq" })
    await answered
  }

  /** Goes without a farewell. */
  async cut(): Promise<void> {
    this.#socket?.terminate()
    await this.closed
  }

  /** Goes too, if the broker should have ended the connection, and did not. @returns whether it did */
  async isEnded(): Promise<boolean> {
    await this.ping()
    if (!this.#isOpen) return true
    await this.cut()
    return false
  }

  #received(chunk: Uint8Array): void {
    this.#frames.append(chunk)
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      const type = firstByte >> 4
      this.#counts[type] = (this.#counts[type] ?? 0) + 1
      if (type === packetTypeNumber.publish) {
        this.#onPublish?.(this, this.#frames)
      } else {
        const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.version)
        this.#last.set(packet.type, packet)
      }
    }
    for (const waiter of this.#waiters) {
      if (this.count(waiter.type) >= waiter.count) this.#release(waiter)
    }
  }

  #gone(): void {
    this.#isOpen = false
    this.#closed.resolve()
    this.#writable?.()
    for (const waiter of this.#waiters) this.#release(waiter)
  }

  #release(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    waiter.go()
  }
}

/** A PUBLISH that is plain but for what is told. */
export function publish(topic: string, payload: string | Uint8Array, words: Partial<Publish> = {}): Publish {
  return {
    type: "publish",
    qos: 0,
    dup: false,
    retain: false,
    topic,
    packetId: undefined,
    payload: typeof payload === "string" ? Buffer.from(payload) : payload,
    properties: noProperties,
    ...words,
  }
}

export function subscribe(
  filters: readonly string[],
  qos: Qos = 0,
  words: Partial<SubscribeRequest> & { readonly identifier?: number } = {},
): Packet {
  const { identifier, ...rest } = words
  return {
    type: "subscribe",
    packetId: onePacketId,
    requests: filters.map((filter) => ({
      filter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      ...rest,
    })),
    properties: identifier === undefined ? noProperties : { subscriptionIdentifiers: [identifier] },
  }
}

export function unsubscribe(filters: readonly string[]): Packet {
  return { type: "unsubscribe", packetId: onePacketId, filters, properties: noProperties }
}

/** Who asks one thing at a time needs no other. */
export const onePacketId = 1 as PacketId
