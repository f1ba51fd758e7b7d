import { decodePacket } from "../../../src/protocol/decoder.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Packet, PacketId, ProtocolVersion, Qos } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import { connect } from "../../../src/transport/connect.ts"
import type { Socket } from "../../../src/transport/socket.ts"

export interface ProbeOwner {
  /** Hot. Whatever comes but CONNACK and SUBACK. */
  took(packet: Packet): void
  /** The connection is over, and nobody here ended it. */
  lost(): void
}

export interface ProbeOptions {
  /** 5 unless told. */
  readonly version?: ProtocolVersion
  /** Its session outlives the connection, and is kept if it is there. */
  readonly isLasting?: boolean
}

/** Enough for whoever has one thing to say at a time. */
const onlyPacketId = 1 as PacketId

const longestPacketBytes = 268_435_460

/** A client that says no more than it is asked to, so that what it measures is the broker. */
export class Probe {
  readonly #owner: ProbeOwner
  readonly #version: ProtocolVersion
  readonly #frames = new FrameReader(longestPacketBytes)
  readonly #closed = Promise.withResolvers<void>()
  #answered = Promise.withResolvers<void>()
  #socket: Socket | undefined
  #hasLeft = false

  private constructor(owner: ProbeOwner, version: ProtocolVersion) {
    this.#owner = owner
    this.#version = version
  }

  /** @throws Error when it is not let in */
  static async connect(
    port: number,
    clientId: string,
    owner: ProbeOwner,
    { version = 5, isLasting = false }: ProbeOptions = {},
  ): Promise<Probe> {
    const probe = new Probe(owner, version)
    probe.#socket = await connect(
      { scheme: "tcp", host: "127.0.0.1", port },
      {
        received: (chunk) => probe.#received(chunk),
        writable: () => {},
        closed: () => probe.#gone(),
      },
    )
    probe.send({
      type: "connect",
      version,
      bridge: false,
      cleanStart: !isLasting,
      keepAliveSeconds: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: version === 5 && isLasting ? { sessionExpiryInterval: 0xffff_ffff } : noProperties,
    })
    await probe.#answered.promise
    return probe
  }

  send(packet: Packet): void {
    this.#socket?.output.append(encodePacket(packet, this.#version))
  }

  /** At QoS 1. */
  publish(topic: string, payload: Uint8Array, packetId: PacketId = onlyPacketId): void {
    this.send({
      type: "publish",
      qos: 1,
      dup: false,
      packetId,
      retain: false,
      topic,
      payload,
      properties: noProperties,
    })
  }

  /** @throws Error when it is refused */
  async subscribe(filter: string, qos: Qos): Promise<void> {
    this.#answered = Promise.withResolvers<void>()
    const request = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    this.send({ type: "subscribe", packetId: onlyPacketId, requests: [request], properties: noProperties })
    await this.#answered.promise
  }

  ping(): void {
    this.send({ type: "pingreq" })
  }

  acknowledge(packetId: PacketId): void {
    this.send({ type: "puback", packetId, reasonCode: ReasonCode.success, properties: noProperties })
  }

  /** Reads no more from the network until `resume`. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  leave(): Promise<void> {
    this.#hasLeft = true
    this.#socket?.end()
    return this.#closed.promise
  }

  #received(chunk: Uint8Array): void {
    this.#frames.append(chunk)
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.#version)
      if (packet.type === "connack") this.#answer([packet.reasonCode])
      else if (packet.type === "suback") this.#answer(packet.reasonCodes)
      else this.#owner.took(packet)
    }
  }

  #answer(reasonCodes: readonly ReasonCode[]): void {
    const refused = reasonCodes.find(isError)
    if (refused === undefined) this.#answered.resolve()
    else this.#answered.reject(new Error(`an honest client is refused with ${refused}`))
  }

  #gone(): void {
    this.#socket = undefined
    this.#answered.reject(new Error("an honest client is not answered"))
    this.#answered.promise.catch(() => {})
    this.#closed.resolve()
    if (!this.#hasLeft) this.#owner.lost()
  }
}
