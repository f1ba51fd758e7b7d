import { decodePacket } from "../../../src/protocol/decoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../../src/protocol/packet.ts"
import { connect, type ConnectTarget } from "../../../src/transport/connect.ts"
import type { Socket, SocketOwner } from "../../../src/transport/socket.ts"
import { answerText } from "./answer-text.ts"

interface Waiter {
  readonly answer: string
  readonly done: PromiseWithResolvers<void>
}

/**
 * Somebody who says whatever bytes it likes, answers nothing, and takes down what it is told. What the broker sends has
 * to be well-formed for a client of this version: `fault` says when it is not.
 */
export class WirePeer {
  readonly version: ProtocolVersion
  /** What it was told, each packet in a few words; `closed` at the end. */
  readonly answers: string[] = []
  /** The broker broke a rule. */
  fault: string | undefined
  /** Resolves with the first answer. */
  readonly greeted: Promise<void>
  readonly #greeted = Promise.withResolvers<void>()
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
  readonly #closed = Promise.withResolvers<void>()
  readonly #frames = new FrameReader(268_435_460)
  readonly #waiters: Waiter[] = []
  readonly #take: (packet: Packet) => void
  #socket: Socket | undefined
  readonly #owner: SocketOwner = {
    received: (chunk) => this.#received(chunk),
    writable: () => {},
    closed: () => this.#end(),
  }

  private constructor(version: ProtocolVersion, take: (packet: Packet) => void) {
    this.version = version
    this.#take = take
    this.greeted = this.#greeted.promise
    this.closed = this.#closed.promise
  }

  /** @param take is given each packet as well. @throws Error when nobody listens there */
  static async connect(
    target: ConnectTarget,
    version: ProtocolVersion,
    take: (packet: Packet) => void = () => {},
  ): Promise<WirePeer> {
    const peer = new WirePeer(version, take)
    peer.#socket = await connect(target, peer.#owner)
    return peer
  }

  /** Each piece leaves in a system call of its own. What is sent to a broker that has left goes nowhere. */
  send(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#socket?.output.append(piece)
      this.#socket?.output.flush()
    }
  }

  /** Resolves when this answer has come, so many times, or the connection is over. */
  async answered(answer: string, times = 1): Promise<void> {
    while (this.answers.filter((each) => each === answer).length < times) {
      if (this.answers.at(-1) === "closed") return
      await this.#nextAnswered(answer)
    }
  }

  #nextAnswered(answer: string): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#waiters.push({ answer, done })
    return done.promise
  }

  leave(): Promise<void> {
    this.#socket?.end()
    return this.closed
  }

  #received(chunk: Uint8Array): void {
    try {
      this.#frames.append(chunk)
      while (this.#frames.next()) this.#frame(this.#frames)
    } catch (error) {
      this.fault ??= `${String(error)}, behind ${this.answers.join(", ")}`
      this.#socket?.terminate()
    }
  }

  #frame({ firstByte, bytes, bodyStart, bodyEnd }: FrameReader): void {
    // Who cannot tell our version answers as to everybody [3.1.1: MQTT-3.1.2-2].
    const isOldConnack = firstByte >> 4 === 2 && bodyEnd - bodyStart === 2
    const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, isOldConnack ? 4 : this.version)
    const isFirst = this.answers.length === 0
    if (packet.type === "connack" ? !isFirst : isFirst && packet.type !== "auth") {
      this.fault ??= `${packet.type} behind "${this.answers.join(", ")}" [MQTT-3.2.0-1, 3.2.0-2]`
    }
    if (this.answers.at(-1)?.startsWith("disconnect") === true) {
      this.fault ??= `${packet.type} behind DISCONNECT [MQTT-3.14.4-1]`
    }
    this.#take(packet)
    this.#told(answerText(packet))
  }

  #told(answer: string): void {
    this.answers.push(answer)
    this.#greeted.resolve()
    for (let index = this.#waiters.length - 1; index >= 0; index--) {
      const waiter = this.#waiters[index]
      if (waiter === undefined || (waiter.answer !== answer && answer !== "closed")) continue
      this.#waiters.splice(index, 1)
      waiter.done.resolve()
    }
  }

  #end(): void {
    this.#socket = undefined
    this.#told("closed")
    this.#closed.resolve()
  }
}
