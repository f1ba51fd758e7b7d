import { password } from "./access.ts"
import { decodePacket } from "../src/protocol/decoder.ts"
import { acknowledgementLength, encodePacket, writeAcknowledgement } from "../src/protocol/encoder.ts"
import { FrameReader } from "../src/protocol/frame-reader.ts"
import {
  type Connack,
  type Packet,
  type PacketId,
  packetTypeNumber,
  type ProtocolVersion,
  type Qos,
} from "../src/protocol/packet.ts"
import { noProperties } from "../src/protocol/properties.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import { connect, type ConnectTarget } from "../src/transport/connect.ts"
import type { Socket, SocketOwner } from "../src/transport/socket.ts"
import type { LoadOrder } from "./load-report.ts"
import type { Transport } from "./scenario-kinds.ts"

/** Who is told what a load client receives. */
export interface LoadListener {
  /** Hot. The payload of a PUBLISH lies at `bytes[start, end)`. */
  message(bytes: Uint8Array, start: number, end: number): void
  /** Hot. One of its own messages is acknowledged for good. */
  acknowledged(): void
  /** Hot. All that came in one chunk was told. */
  endOfChunk(): void
}

export const deafListener: LoadListener = { message() {}, acknowledged() {}, endOfChunk() {} }

export interface LoadClientOptions {
  readonly clientId: string
  /** 4, MQTT 3.1.1, unless told. */
  readonly version?: ProtocolVersion
  readonly transport?: Transport
  /** The session was there before and outlives the connection, or both. False unless told. */
  readonly persistent?: boolean
  /** MQTT 5.0: topic aliases that the broker may send. None unless told. */
  readonly topicAliasMaximum?: number
  /** Nobody unless told. */
  readonly username?: string
  readonly listener?: LoadListener
}

/** Where a broker listens, out of a load order. */
export type Doors = Pick<LoadOrder, "tcpPort"> & Partial<Pick<LoadOrder, "tlsPort" | "webSocketPort">>

const longestFrameBytes = 268_435_460
const neverExpires = 0xffff_ffff
/** In a packet that a broker sends: the first reason code that tells of a failure [2.4]. */
const firstFailure = 0x80

/**
 * An MQTT client that reads frames where they lie and makes no object for any of them. It trusts the broker to speak
 * MQTT and checks only what the load is about. A refusal or a closed connection ends the load with an error.
 */
export class LoadClient implements SocketOwner {
  readonly version: ProtocolVersion
  readonly #frames = new FrameReader(longestFrameBytes)
  readonly #answers: ((answer: Packet) => void)[] = []
  readonly #left = Promise.withResolvers<void>()
  #listener: LoadListener
  #socket: Socket | undefined
  #terms: Connack["properties"] = noProperties
  #isLeaving = false

  private constructor({ version = 4, listener = deafListener }: LoadClientOptions) {
    this.version = version
    this.#listener = listener
  }

  /** @throws Error when the broker cannot be reached or refuses */
  static async connect(doors: Doors, options: LoadClientOptions): Promise<LoadClient> {
    const client = new LoadClient(options)
    client.#socket = await connect(targetOf(doors, options.transport ?? "tcp"), client)
    await client.#introduce(options)
    return client
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error("the load client is not connected")
    return this.#socket
  }

  /** How many messages above QoS 0 the broker takes at a time [3.2.2.3.3]. */
  get receiveMaximum(): number {
    return this.#terms.receiveMaximum ?? 65_535
  }

  /** How many topic aliases the broker takes [3.2.2.3.8]. */
  get topicAliasMaximum(): number {
    return this.#terms.topicAliasMaximum ?? 0
  }

  tell(listener: LoadListener): void {
    this.#listener = listener
  }

  /** @throws Error when the broker refuses one of the filters */
  async subscribe(filters: readonly string[], qos: Qos): Promise<void> {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const requests = filters.map((filter) => ({ filter, ...options }))
    const packetId = 1 as PacketId
    const answer = await this.#ask({ type: "subscribe", packetId, requests, properties: noProperties })
    if (answer.type !== "suback" || answer.reasonCodes.some((code) => code >= firstFailure)) {
      throw new Error(`the broker refused to subscribe ${filters[0]}`)
    }
  }

  /** Says DISCONNECT and closes its half; resolves when the broker, having read all of it, has closed its own. */
  async disconnect(): Promise<void> {
    this.#isLeaving = true
    this.socket.output.append(
      encodePacket(
        { type: "disconnect", reasonCode: ReasonCode.success, properties: noProperties },
        this.version,
      ),
    )
    this.socket.end()
    await this.#left.promise
  }

  /** Hot. */
  received(chunk: Uint8Array): void {
    const frames = this.#frames
    frames.append(chunk)
    while (frames.next()) this.#frame(frames)
    this.#listener.endOfChunk()
  }

  writable(): void {}

  closed(): void {
    this.#left.resolve()
    if (!this.#isLeaving) throw new Error("the broker closed a connection")
  }

  #frame({ firstByte, bytes, bodyStart, bodyEnd }: FrameReader): void {
    switch (firstByte >> 4) {
      case packetTypeNumber.publish:
        return this.#publish((firstByte >> 1) & 3, bytes, bodyStart, bodyEnd)
      case packetTypeNumber.puback:
      case packetTypeNumber.pubcomp:
        checkReason(bytes, bodyStart, bodyEnd)
        return this.#listener.acknowledged()
      case packetTypeNumber.pubrec:
        checkReason(bytes, bodyStart, bodyEnd)
        return this.#acknowledge("pubrel", bytes, bodyStart)
      case packetTypeNumber.pubrel:
        return this.#acknowledge("pubcomp", bytes, bodyStart)
      default:
        return this.#answer(decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.version))
    }
  }

  #publish(qos: number, bytes: Uint8Array, start: number, end: number): void {
    const idAt = start + 2 + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
    const propertiesAt = qos === 0 ? idAt : idAt + 2
    const payloadAt = this.version === 5 ? skipProperties(bytes, propertiesAt) : propertiesAt
    this.#listener.message(bytes, payloadAt, end)
    if (qos > 0) this.#acknowledge(qos === 1 ? "puback" : "pubrec", bytes, idAt)
  }

  #acknowledge(type: "puback" | "pubrec" | "pubrel" | "pubcomp", bytes: Uint8Array, idAt: number): void {
    const packetId = (((bytes[idAt] ?? 0) << 8) | (bytes[idAt + 1] ?? 0)) as PacketId
    const output = this.socket.output
    const at = output.reserve(acknowledgementLength)
    writeAcknowledgement(output.bytes, at, type, packetId)
  }

  async #introduce({
    clientId,
    persistent = false,
    topicAliasMaximum = 0,
    username,
  }: LoadClientOptions): Promise<void> {
    const answer = await this.#ask({
      type: "connect",
      version: this.version,
      bridge: false,
      cleanStart: !persistent,
      keepAliveSeconds: 0,
      clientId,
      username,
      password: username === undefined ? undefined : Buffer.from(password),
      will: undefined,
      properties: {
        ...(persistent ? { sessionExpiryInterval: neverExpires } : {}),
        ...(topicAliasMaximum > 0 ? { topicAliasMaximum } : {}),
      },
    })
    if (answer.type !== "connack" || answer.reasonCode !== 0) {
      throw new Error(`the broker refused ${clientId}`)
    }
    this.#terms = answer.properties
  }

  #ask(packet: Packet): Promise<Packet> {
    const { promise, resolve } = Promise.withResolvers<Packet>()
    this.#answers.push(resolve)
    this.socket.output.append(encodePacket(packet, this.version))
    return promise
  }

  #answer(packet: Packet): void {
    const resolve = this.#answers.shift()
    if (resolve === undefined) throw new Error(`nobody asked for a ${packet.type}`)
    resolve(packet)
  }
}

function targetOf({ tcpPort, tlsPort, webSocketPort }: Doors, transport: Transport): ConnectTarget {
  const host = "127.0.0.1"
  if (transport === "tcp") return { scheme: "tcp", host, port: tcpPort }
  const port = transport === "tls" ? tlsPort : webSocketPort
  if (port === undefined) throw new Error(`the broker does not listen for ${transport}`)
  if (transport === "tls") return { scheme: "tls", host, port, tls: { insecure: true } }
  return { scheme: "ws", host, port }
}

/** MQTT 5.0 acknowledges with a reason code where there is something to say [3.4.2.1]. */
function checkReason(bytes: Uint8Array, bodyStart: number, bodyEnd: number): void {
  if (bodyEnd - bodyStart === 2) return
  const reasonCode = bytes[bodyStart + 2] ?? 0
  if (reasonCode >= firstFailure) throw new Error(`the broker refused a message with ${reasonCode}`)
}

/** @returns where the payload begins: the length of the properties counts seven bits in a byte [1.5.5] */
function skipProperties(bytes: Uint8Array, at: number): number {
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) return at + length
  }
}
