import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, PacketType, ProtocolVersion } from "../../src/protocol/packet.ts"
import { connect } from "../../src/transport/connect.ts"
import type { Socket } from "../../src/transport/socket.ts"
import { connect as connectPacket, type ConnectWords } from "../support/packets.ts"

/** A client that says what a test tells it to, on a unix socket, and answers nothing by itself. */
export class WireClient {
  readonly #version: ProtocolVersion
  readonly #frames = new FrameReader(268_435_460)
  readonly #packets: Packet[] = []
  readonly #closed = Promise.withResolvers<void>()
  #arrived = Promise.withResolvers<void>()
  #socket: Socket | undefined

  private constructor(version: ProtocolVersion) {
    this.#version = version
  }

  /** Sends CONNECT, and leaves CONNACK to be read. */
  static async connect(path: string, version: ProtocolVersion, words: ConnectWords): Promise<WireClient> {
    const client = new WireClient(version)
    client.#socket = await connect(
      { scheme: "unix", path },
      {
        received: (chunk) => client.#received(chunk),
        writable: () => {},
        closed: () => client.#closed.resolve(),
      },
    )
    client.send(connectPacket(version, words))
    return client
  }

  send(packet: Packet): void {
    this.#socket?.output.append(encodePacket(packet, this.#version))
  }

  /** The next packet, which has to be of this type. */
  async next<Type extends PacketType>(type: Type): Promise<Extract<Packet, { readonly type: Type }>> {
    for (;;) {
      const packet = this.#packets.shift()
      if (packet === undefined) {
        this.#arrived = Promise.withResolvers<void>()
        await Promise.race([this.#arrived.promise, this.#closed.promise.then(() => gone(type))])
      } else if (isOfType(packet, type)) return packet
      else throw new Error(`${packet.type} came instead of ${type}`)
    }
  }

  /** Cuts the connection. */
  async leave(): Promise<void> {
    this.#socket?.end()
    await this.#closed.promise
  }

  #received(chunk: Uint8Array): void {
    this.#frames.append(chunk)
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      this.#packets.push(decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.#version))
    }
    this.#arrived.resolve()
  }
}

function isOfType<Type extends PacketType>(
  packet: Packet,
  type: Type,
): packet is Extract<Packet, { readonly type: Type }> {
  return packet.type === type
}

function gone(type: PacketType): never {
  throw new Error(`the connection ended before ${type}`)
}
