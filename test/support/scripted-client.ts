import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Connack, Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { MemorySocket } from "./memory-socket.ts"
import {
  connect,
  type ConnectWords,
  puback,
  pubcomp,
  publish,
  type PublishWords,
  pubrec,
  pubrel,
  type RequestWords,
  subscribe,
} from "./packets.ts"

/**
 * A client that does what its script says and nothing by itself: it acknowledges nothing, and keeps no promise but
 * those the test keeps for it.
 */
export class ScriptedClient {
  readonly version: ProtocolVersion
  readonly clientId: string
  readonly socket: MemorySocket
  readonly #settle: () => Promise<void>
  readonly #frames = new FrameReader(Number.MAX_SAFE_INTEGER)
  #nextPacketId = 1000

  /** @param settle lets the broker finish what it does in promises */
  constructor(version: ProtocolVersion, clientId: string, socket: MemorySocket, settle: () => Promise<void>) {
    this.version = version
    this.clientId = clientId
    this.socket = socket
    this.#settle = settle
  }

  /** open, or how the broker ended it: ended after its last bytes, terminated without them; cut: by us */
  get state(): MemorySocket["state"] {
    return this.socket.state
  }

  /** Says CONNECT, and gives back what was answered; undefined when that was nothing. */
  async asks(words: ConnectWords = {}): Promise<Connack | undefined> {
    this.sends(connect(this.version, { clientId: this.clientId, ...words }))
    await this.#settle()
    const packets = this.receives()
    const [connack] = packets
    if (connack === undefined) return undefined
    if (connack.type !== "connack") throw new Error(`${connack.type} in place of CONNACK`)
    this.#held.push(...packets.slice(1))
    return connack
  }

  /** Says CONNECT and must be let in. */
  async connects(words: ConnectWords = {}): Promise<Connack> {
    const connack = await this.asks(words)
    if (connack?.reasonCode !== ReasonCode.success) {
      throw new Error(`${this.clientId} was not let in: ${JSON.stringify(connack)}`)
    }
    return connack
  }

  /** Each packet is a chunk of its own, all in one turn. Bytes are sent as they are. */
  sends(...packets: readonly (Packet | Uint8Array)[]): void {
    const chunks = packets.map((each) =>
      each instanceof Uint8Array ? each : encodePacket(each, this.version),
    )
    this.socket.deliver(...chunks)
  }

  /** All of them in one chunk, as from a client in a hurry. */
  sendsTogether(...packets: readonly Packet[]): void {
    this.sends(Buffer.concat(packets.map((each) => encodePacket(each, this.version))))
  }

  /** Subscribes and takes the SUBACK, which must grant. What came before or behind it is received next. */
  subscribes(requests: string | readonly RequestWords[], subscriptionIdentifier?: number): void {
    const id = this.#packetId()
    this.sends(subscribe(id, requests, subscriptionIdentifier))
    const packets = this.receives()
    const suback = packets.find((packet) => packet.type === "suback")
    if (suback === undefined || suback.reasonCodes.some((code) => code >= 0x80)) {
      throw new Error(`not granted: ${JSON.stringify(suback)}`)
    }
    this.#held.push(...packets.filter((packet) => packet !== suback))
  }

  /** Publishes at any QoS and takes the answers to the end of the conversation. */
  publishes(words: PublishWords): void {
    const { qos = 0 } = words
    if (qos === 0) return this.sends(publish(words))
    const id = this.#packetId()
    this.sends(publish({ packetId: id, ...words }))
    if (qos === 2) this.sends(pubrel(words.packetId ?? id))
    const answers = this.receives()
    const last = qos === 1 ? "puback" : "pubcomp"
    if (!answers.some((each) => each.type === last)) throw new Error(`no ${last}: ${JSON.stringify(answers)}`)
    this.#held.push(
      ...answers.filter(
        (each) => each.type !== "puback" && each.type !== "pubrec" && each.type !== "pubcomp",
      ),
    )
  }

  readonly #held: Packet[] = []

  /** What came since the last call. */
  receives(): Packet[] {
    const packets = this.#held.splice(0)
    this.#frames.append(this.socket.sent())
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.version)
      packets.push(
        packet.type === "publish" ? { ...packet, payload: new Uint8Array(packet.payload) } : packet,
      )
    }
    return packets
  }

  /** Receives, and answers each PUBLISH and PUBREL as it should until nothing more comes. Gives back all of it. */
  receivesAndAnswers(): Packet[] {
    const all: Packet[] = []
    for (;;) {
      const packets = this.receives()
      if (packets.length === 0) return all
      all.push(...packets)
      for (const packet of packets) {
        if (packet.type === "publish" && packet.packetId !== undefined) {
          this.sends(packet.qos === 1 ? puback(packet.packetId) : pubrec(packet.packetId))
        } else if (packet.type === "pubrel") {
          this.sends(pubcomp(packet.packetId))
        }
      }
    }
  }

  /** The bytes as they came. */
  receivesBytes(): Uint8Array {
    return this.socket.sent()
  }

  /** The network is gone, without a farewell. */
  cuts(): void {
    this.socket.cut()
  }

  /** Reads nothing more, after so many bytes. */
  stalls(bytes = 0): void {
    this.socket.stall(bytes)
  }

  drains(): void {
    this.socket.drain()
  }

  #packetId(): number {
    this.#nextPacketId = this.#nextPacketId === 0xffff ? 1 : this.#nextPacketId + 1
    return this.#nextPacketId
  }
}
