import { acknowledgementLength, encodePacket, writeAcknowledgement } from "../src/protocol/encoder.ts"
import { FrameReader } from "../src/protocol/frame-reader.ts"
import { type Packet, packetTypeNumber, type PacketId, type Qos } from "../src/protocol/packet.ts"
import { noProperties } from "../src/protocol/properties.ts"
import { connect } from "../src/transport/connect.ts"
import type { Socket, SocketOwner } from "../src/transport/socket.ts"

/** Who is told what a load client receives. */
export interface LoadListener {
  /** Hot. A PUBLISH of ours that lies at `bytes[start, end)`, payload only. */
  message(bytes: Uint8Array, start: number, end: number): void
  /** Hot. One of its own messages is acknowledged for good. */
  acknowledged(): void
  /** Hot. All that came in one chunk was told. */
  endOfChunk(): void
}

export const deafListener: LoadListener = { message() {}, acknowledged() {}, endOfChunk() {} }

/**
 * An MQTT 3.1.1 client that reads frames where they lie and makes no object for any of them. It trusts the broker to
 * speak MQTT and checks only what the load is about.
 */
export class LoadClient implements SocketOwner {
  readonly #frames = new FrameReader(268_435_460)
  readonly #answers: ((reasonCode: number) => void)[] = []
  #listener: LoadListener = deafListener
  #socket: Socket | undefined

  /** @throws Error when the broker cannot be reached or refuses */
  static async connect(
    port: number,
    clientId: string,
    cleanStart: boolean,
    listener = deafListener,
  ): Promise<LoadClient> {
    const client = new LoadClient()
    client.tell(listener)
    client.#socket = await connect({ scheme: "tcp", host: "127.0.0.1", port }, client)
    await client.#ask({
      type: "connect",
      version: 4,
      bridge: false,
      cleanStart,
      keepAliveSeconds: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: noProperties,
    })
    return client
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error("the load client is not connected")
    return this.#socket
  }

  tell(listener: LoadListener): void {
    this.#listener = listener
  }

  async subscribe(filters: readonly string[], qos: Qos): Promise<void> {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const requests = filters.map((filter) => ({ filter, ...options }))
    await this.#ask({ type: "subscribe", packetId: 1 as PacketId, requests, properties: noProperties })
  }

  received(chunk: Uint8Array): void {
    const frames = this.#frames
    frames.append(chunk)
    while (frames.next()) this.#frame(frames)
    this.#listener.endOfChunk()
  }

  writable(): void {}

  closed(): void {
    for (const answer of this.#answers.splice(0)) answer(0xff)
  }

  #frame({ firstByte, bytes, bodyStart, bodyEnd }: FrameReader): void {
    switch (firstByte >> 4) {
      case packetTypeNumber.publish:
        return this.#publish((firstByte >> 1) & 3, bytes, bodyStart, bodyEnd)
      case packetTypeNumber.puback:
      case packetTypeNumber.pubcomp:
        return this.#listener.acknowledged()
      case packetTypeNumber.pubrec:
        return this.#acknowledge("pubrel", bytes, bodyStart)
      case packetTypeNumber.pubrel:
        return this.#acknowledge("pubcomp", bytes, bodyStart)
      case packetTypeNumber.connack:
        return this.#answers.shift()?.(bytes[bodyStart + 1] ?? 0xff)
      case packetTypeNumber.suback:
        return this.#answers.shift()?.(Math.max(...bytes.subarray(bodyStart + 2, bodyEnd)))
      default:
        throw new Error(`a packet of type ${firstByte >> 4} has no place in this bench`)
    }
  }

  #publish(qos: number, bytes: Uint8Array, start: number, end: number): void {
    const topicEnd = start + 2 + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
    if (qos === 0) return this.#listener.message(bytes, topicEnd, end)
    this.#listener.message(bytes, topicEnd + 2, end)
    this.#acknowledge(qos === 1 ? "puback" : "pubrec", bytes, topicEnd)
  }

  #acknowledge(type: "puback" | "pubrec" | "pubrel" | "pubcomp", bytes: Uint8Array, idAt: number): void {
    const packetId = (((bytes[idAt] ?? 0) << 8) | (bytes[idAt + 1] ?? 0)) as PacketId
    const output = this.socket.output
    const at = output.reserve(acknowledgementLength)
    writeAcknowledgement(output.bytes, at, type, packetId)
  }

  async #ask(packet: Packet): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#answers.push(resolve)
    this.socket.output.append(encodePacket(packet, 4))
    const reasonCode = await promise
    if (reasonCode > 2) throw new Error(`${packet.type} was refused with ${reasonCode}`)
  }
}
