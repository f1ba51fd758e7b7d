import { decodePacket } from "../protocol/decoder.ts"
import { acknowledgementLength, encodePacket, writeAcknowledgement } from "../protocol/encoder.ts"
import { FrameReader } from "../protocol/frame-reader.ts"
import {
  neverExpires,
  type Packet,
  type PacketId,
  packetTypeNumber,
  type ProtocolVersion,
  type Qos,
} from "../protocol/packet.ts"
import { noProperties } from "../protocol/properties.ts"
import { ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { describeReasonCode, isError, ReasonCode, reasonCodeOf } from "../protocol/reason-code.ts"
import { connect, type ConnectTarget } from "../transport/connect.ts"
import type { Socket, SocketOwner } from "../transport/socket.ts"
import { type ClientEnd, ConnectionEnded, describeEnd } from "./client-end.ts"
import { serverTerms, type ServerTerms } from "./server-terms.ts"

/** Who is told what a load client receives. */
export interface LoadListener {
  /** Hot. The payload of a PUBLISH lies at `bytes[start, end)`. */
  message(bytes: Uint8Array, start: number, end: number): void
  /** Hot. One of its own messages is acknowledged for good. */
  acknowledged(packetId: number): void
  /** One of its own messages was refused, for good as well. */
  refused(packetId: number, reasonCode: ReasonCode): void
  /** Hot. All that came in one chunk was told. */
  endOfChunk(): void
  /** The output takes more again. */
  writable(): void
  /** The connection ended, and not by us. Nothing comes after it. */
  lost(end: ClientEnd): void
}

/** Wants to hear nothing; what must not happen ends the process. */
export const deafListener: LoadListener = {
  message() {},
  acknowledged() {},
  refused(_, reasonCode) {
    throw new Error(`the broker refused a message: ${describeReasonCode(reasonCode)}`)
  },
  endOfChunk() {},
  writable() {},
  lost(end) {
    throw new Error(describeEnd(end))
  },
}

export interface LoadClientOptions {
  readonly clientId: string
  /** 4, MQTT 3.1.1, unless told. */
  readonly version?: ProtocolVersion
  readonly username?: string | undefined
  readonly password?: Uint8Array | undefined
  /** The session was there before and outlives the connection, or both. False unless told. */
  readonly persistent?: boolean
  /** MQTT 5.0: for how long a persistent session does. For ever unless told. */
  readonly sessionExpirySeconds?: number
  /** Its owner has to call `ping` often enough. 0, none, unless told. */
  readonly keepAliveSeconds?: number
  /** MQTT 5.0: topic aliases that the broker may send. None unless told. */
  readonly topicAliasMaximum?: number
  /** How long the broker may take to let it in. 10,000 ms unless told. */
  readonly connackMs?: number
  readonly listener?: LoadListener
}

const longestFrameBytes = 268_435_460
const defaultConnackMs = 10_000
/** In a packet that a broker sends: the first reason code that tells of a failure [2.4]. */
const firstFailure = 0x80

/**
 * An MQTT client for load: it reads frames where they lie and makes no object and no promise for any message. It trusts
 * the broker to speak MQTT and checks only what a load is about.
 */
export class LoadClient implements SocketOwner {
  readonly version: ProtocolVersion
  readonly #frames = new FrameReader(longestFrameBytes)
  readonly #answers: PromiseWithResolvers<Packet>[] = []
  readonly #left = Promise.withResolvers<void>()
  #listener: LoadListener
  #socket: Socket | undefined
  #terms: ServerTerms | undefined
  #isLeaving = false
  /** What ended the connection, when it was not just lost. */
  #end: ClientEnd = { why: "lost" }

  private constructor({ version = 4, listener = deafListener }: LoadClientOptions) {
    this.version = version
    this.#listener = listener
  }

  /**
   * @throws Error of one sentence when the broker cannot be reached
   * @throws ConnectionEnded when it refuses or does not answer
   */
  static async connect(target: ConnectTarget, options: LoadClientOptions): Promise<LoadClient> {
    const client = new LoadClient(options)
    client.#socket = await connect(target, client)
    await client.#introduce(options)
    return client
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error("the load client is not connected")
    return this.#socket
  }

  /** What the broker takes. */
  get terms(): ServerTerms {
    if (this.#terms === undefined) throw new Error("the load client is not connected")
    return this.#terms
  }

  tell(listener: LoadListener): void {
    this.#listener = listener
  }

  /**
   * @returns the lowest QoS that was granted
   * @throws Error when the broker refuses one of the filters
   */
  async subscribe(filters: readonly string[], qos: Qos): Promise<number> {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const requests = filters.map((filter) => ({ filter, ...options }))
    const packetId = 1 as PacketId
    const answer = await this.#ask({ type: "subscribe", packetId, requests, properties: noProperties })
    if (answer.type !== "suback") throw new Error(`the broker answered SUBSCRIBE with ${answer.type}`)
    for (const [index, code] of answer.reasonCodes.entries()) {
      if (isError(code)) {
        throw new Error(`the broker refused to subscribe ${filters[index]}: ${describeReasonCode(code)}`)
      }
    }
    return Math.min(...answer.reasonCodes)
  }

  ping(): void {
    this.socket.output.append(encodePacket({ type: "pingreq" }, this.version))
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
    try {
      frames.append(chunk)
      while (frames.next()) this.#frame(frames)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#end = { why: "protocol-error", reasonCode: error.reasonCode, detail: error.message }
      return this.socket.terminate()
    }
    this.#listener.endOfChunk()
  }

  writable(): void {
    this.#listener.writable()
  }

  closed(): void {
    this.#left.resolve()
    // Whoever has asked hears of it by that, also when we leave meanwhile.
    const unanswered = this.#answers.splice(0)
    for (const { reject } of unanswered) reject(new ConnectionEnded(this.#end))
    if (unanswered.length === 0 && !this.#isLeaving) this.#listener.lost(this.#end)
  }

  #frame({ firstByte, bytes, bodyStart, bodyEnd }: FrameReader): void {
    switch (firstByte >> 4) {
      case packetTypeNumber.publish:
        return this.#publish((firstByte >> 1) & 3, bytes, bodyStart, bodyEnd)
      case packetTypeNumber.puback:
      case packetTypeNumber.pubcomp:
        return this.#acknowledged(bytes, bodyStart, bodyEnd)
      case packetTypeNumber.pubrec:
        if (isRefusal(bytes, bodyStart, bodyEnd)) return this.#acknowledged(bytes, bodyStart, bodyEnd)
        return this.#acknowledge("pubrel", bytes, bodyStart)
      case packetTypeNumber.pubrel:
        return this.#acknowledge("pubcomp", bytes, bodyStart)
      case packetTypeNumber.pingresp:
        return
      default:
        return this.#answer(decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.version))
    }
  }

  #publish(qos: number, bytes: Uint8Array, start: number, end: number): void {
    const idAt = start + 2 + readTwo(bytes, start)
    const propertiesAt = qos === 0 ? idAt : idAt + 2
    const payloadAt = this.version === 5 ? skipProperties(bytes, propertiesAt) : propertiesAt
    this.#listener.message(bytes, payloadAt, end)
    if (qos > 0) this.#acknowledge(qos === 1 ? "puback" : "pubrec", bytes, idAt)
  }

  #acknowledged(bytes: Uint8Array, start: number, end: number): void {
    const packetId = readTwo(bytes, start)
    if (!isRefusal(bytes, start, end)) return this.#listener.acknowledged(packetId)
    this.#listener.refused(packetId, reasonCodeOf(bytes[start + 2] ?? 0))
  }

  #acknowledge(type: "puback" | "pubrec" | "pubrel" | "pubcomp", bytes: Uint8Array, idAt: number): void {
    const packetId = readTwo(bytes, idAt) as PacketId
    const output = this.socket.output
    const at = output.reserve(acknowledgementLength)
    writeAcknowledgement(output.bytes, at, type, packetId)
  }

  async #introduce(options: LoadClientOptions): Promise<void> {
    const { clientId, persistent = false, topicAliasMaximum = 0, keepAliveSeconds = 0 } = options
    const late = setTimeout(() => {
      this.#end = { why: "timeout" }
      this.socket.terminate()
    }, options.connackMs ?? defaultConnackMs)
    const answer = await this.#ask({
      type: "connect",
      version: this.version,
      bridge: false,
      cleanStart: !persistent,
      keepAliveSeconds,
      clientId,
      username: options.username,
      password: options.password,
      will: undefined,
      properties: {
        ...(persistent ? { sessionExpiryInterval: options.sessionExpirySeconds ?? neverExpires } : {}),
        ...(topicAliasMaximum > 0 ? { topicAliasMaximum } : {}),
      },
    }).finally(() => clearTimeout(late))
    if (answer.type !== "connack") throw new Error(`the broker answered CONNECT with ${answer.type}`)
    this.#terms = serverTerms(answer, keepAliveSeconds)
    if (!isError(answer.reasonCode)) return
    this.#isLeaving = true
    this.socket.end()
    const detail = answer.properties.reasonString
    throw new ConnectionEnded({ why: "refused", reasonCode: answer.reasonCode, detail })
  }

  #ask(packet: Packet): Promise<Packet> {
    const answer = Promise.withResolvers<Packet>()
    this.#answers.push(answer)
    this.socket.output.append(encodePacket(packet, this.version))
    return answer.promise
  }

  #answer(packet: Packet): void {
    if (packet.type === "disconnect") {
      const { reasonCode, properties } = packet
      this.#end = { why: "server-disconnect", reasonCode, detail: properties.reasonString }
      return this.socket.terminate()
    }
    const asked = this.#answers.shift()
    if (asked === undefined) throw protocolError(`nobody asked for a ${packet.type}`)
    asked.resolve(packet)
  }
}

/** MQTT 5.0 acknowledges with a reason code where there is something to say [3.4.2.1]. */
function isRefusal(bytes: Uint8Array, bodyStart: number, bodyEnd: number): boolean {
  return bodyEnd - bodyStart > 2 && (bytes[bodyStart + 2] ?? 0) >= firstFailure
}

function readTwo(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
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
