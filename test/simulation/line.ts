import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import type { MemorySocket } from "../support/memory-socket.ts"
import type { Random } from "../support/random.ts"

/** One Network Connection, seen from its far end. */
export class Line {
  /** Of all connections of its client. */
  readonly number: number
  readonly cleanStart: boolean
  /** CONNACK has let the client in. */
  isOnline = false
  /** CONNACK has come, whatever it said. */
  wasAnswered = false
  /** What is sent next arrives in part, and then the connection is gone. */
  cutsNext = false
  readonly #socket: MemorySocket
  readonly #version: ProtocolVersion
  readonly #random: Random
  #isStalled = false
  /** What is sent is on its way until `heal`. */
  #isMute = false
  #held: Uint8Array[] = []
  /** What has come is on its way until `heal`. */
  #isDeaf = false
  readonly #frames = new FrameReader(Number.MAX_SAFE_INTEGER)
  readonly #aliases = new Map<number, string>()

  constructor(
    number: number,
    cleanStart: boolean,
    socket: MemorySocket,
    version: ProtocolVersion,
    random: Random,
  ) {
    this.number = number
    this.cleanStart = cleanStart
    this.#socket = socket
    this.#version = version
    this.#random = random
  }

  /** False once the end has come; it comes late to whoever does not read. */
  get isOpen(): boolean {
    return this.#socket.state === "open"
  }

  get isSurelyOpen(): boolean {
    return this.isOpen && !this.#isStalled
  }

  get unsentBytes(): number {
    return this.#socket.socket.output.size
  }

  /**
   * Sends packets in one to three chunks, wherever they happen to be cut.
   *
   * @returns whether the broker has surely read them all
   */
  send(packets: readonly Packet[]): boolean {
    if (packets.length === 0) return true
    const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, this.#version)))
    if (this.#isMute) {
      if (this.cutsNext) this.#socket.cut()
      else this.#held.push(new Uint8Array(bytes))
      return false
    }
    const wasReading = this.isSurelyOpen && !this.#socket.paused
    const end = this.cutsNext ? this.#random.between(0, bytes.length) : bytes.length
    for (let start = 0; start < end;) {
      const next = this.#random.chance(0.7) ? end : this.#random.between(start + 1, end)
      this.#socket.deliver(new Uint8Array(bytes.subarray(start, next)))
      start = next
    }
    if (this.cutsNext) this.#socket.cut()
    return wasReading && this.isOpen && !this.#socket.paused
  }

  /** @param share of the bytes that have come; what is left of them is lost */
  receive(share = 1): Packet[] {
    if (this.#isDeaf) return []
    const bytes = this.#socket.sent()
    this.#frames.append(bytes.subarray(0, Math.ceil(bytes.length * share)))
    const packets: Packet[] = []
    while (this.#frames.next()) {
      const { firstByte, bodyStart, bodyEnd } = this.#frames
      packets.push(
        this.#named(decodePacket(firstByte, this.#frames.bytes, bodyStart, bodyEnd, this.#version)),
      )
    }
    return packets
  }

  stall(bytes: number): void {
    this.#isStalled = true
    this.#socket.stall(bytes)
  }

  drain(): void {
    this.#isStalled = false
    if (this.isOpen) this.#socket.drain()
  }

  cut(): void {
    this.#socket.cut()
  }

  /** The network loses what goes one way, until it is healed or cut: then all of it arrives, or none. */
  lose(way: "there" | "back"): void {
    if (way === "there") this.#isMute = true
    else this.#isDeaf = true
  }

  /** The broker hears nothing of it, and would read if there were something. */
  get isUnheard(): boolean {
    return this.#isMute && !this.#socket.paused
  }

  get isOneWay(): boolean {
    return this.#isMute || this.#isDeaf
  }

  heal(): void {
    this.#isMute = false
    this.#isDeaf = false
    for (const bytes of this.#held.splice(0)) this.#socket.deliver(bytes)
  }

  /** A topic alias stands for the topic it came with first [3.3.2.3.4]. */
  #named(packet: Packet): Packet {
    if (packet.type !== "publish" || packet.properties.topicAlias === undefined) return packet
    if (packet.topic !== "") this.#aliases.set(packet.properties.topicAlias, packet.topic)
    return { ...packet, topic: this.#aliases.get(packet.properties.topicAlias) ?? "" }
  }
}
