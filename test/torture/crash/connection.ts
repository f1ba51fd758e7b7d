import { decodePacket } from "../../../src/protocol/decoder.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Connack, Packet, ProtocolVersion, WillFields } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { connect } from "../../../src/transport/connect.ts"
import type { Socket, SocketOwner } from "../../../src/transport/socket.ts"

/** What answers a question: SUBSCRIBE, UNSUBSCRIBE, PINGREQ. */
export type Answer = Extract<Packet, { type: "suback" | "unsuback" | "pingresp" }>

/** What a client asks for in its CONNECT. */
export interface ConnectionWishes {
  readonly will?: WillFields
  /** Before MQTT 5.0 a session lasts for ever. */
  readonly expirySeconds?: number
}

/** One Network Connection of a session client; it takes out the answers and hands on everything else. */
export class Connection {
  readonly #version: ProtocolVersion
  readonly #take: (packet: Packet) => void
  readonly #frames = new FrameReader(268_435_460)
  readonly #connack = Promise.withResolvers<Connack>()
  readonly #closed = Promise.withResolvers<void>()
  /** The broker answers in the order of the questions. */
  readonly #questions: PromiseWithResolvers<Answer>[] = []
  #socket: Socket | undefined

  readonly #owner: SocketOwner = {
    received: (chunk) => this.#received(chunk),
    writable: () => {},
    closed: () => this.#gone(),
  }

  constructor(version: ProtocolVersion, take: (packet: Packet) => void) {
    this.#version = version
    this.#take = take
    this.#connack.promise.catch(() => {})
  }

  /** Resolves when it is over, whoever ended it. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Asks for a session, which lasts for ever unless told. @throws Error when the connection ends before the CONNACK */
  async open(
    port: number,
    clientId: string,
    { will, expirySeconds = 0xffff_ffff }: ConnectionWishes = {},
  ): Promise<Connack> {
    try {
      this.#socket = await connect({ scheme: "tcp", host: "127.0.0.1", port }, this.#owner)
    } catch (error) {
      this.#gone()
      throw error
    }
    this.send({
      type: "connect",
      version: this.#version,
      bridge: false,
      cleanStart: false,
      keepAliveSeconds: 0,
      clientId,
      username: undefined,
      password: undefined,
      will,
      properties:
        this.#version === 5 ? { sessionExpiryInterval: expirySeconds, receiveMaximum: 20 } : noProperties,
    })
    return this.#connack.promise
  }

  /** What is sent on a connection that is over goes nowhere. */
  send(packet: Packet): void {
    this.#socket?.output.append(encodePacket(packet, this.#version))
  }

  /** @throws Error when the connection ends before the answer */
  ask(packet: Packet): Promise<Answer> {
    const question = Promise.withResolvers<Answer>()
    if (this.#socket === undefined) question.reject(new ConnectionGone())
    else this.#questions.push(question)
    this.send(packet)
    return question.promise
  }

  end(): void {
    this.#socket?.end()
  }

  #received(chunk: Uint8Array): void {
    this.#frames.append(chunk)
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.#version)
      if (packet.type === "connack") this.#connack.resolve(packet)
      else if (packet.type === "suback" || packet.type === "unsuback" || packet.type === "pingresp") {
        this.#questions.shift()?.resolve(packet)
      } else this.#take(packet)
    }
  }

  #gone(): void {
    this.#socket = undefined
    this.#connack.reject(new ConnectionGone())
    for (const question of this.#questions.splice(0)) question.reject(new ConnectionGone())
    this.#closed.resolve()
  }
}

/** The broker died, or was left, before it answered. */
export class ConnectionGone extends Error {
  constructor() {
    super("the connection is gone")
  }
}
