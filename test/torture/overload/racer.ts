import { decodePacket } from "../../../src/protocol/decoder.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Packet, PacketId, ProtocolVersion, Qos } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { Random } from "../../support/random.ts"

/** How it goes on after CONNECT and what it says with it. */
const ends = ["stays", "stays", "says DISCONNECT", "closes", "is cut", "is cut unheard"] as const

const longestPacketBytes = 65_536
const topics = ["race/a", "race/b", "race/c", "race/+", "race/#"]

export interface RacerOwner {
  /** The broker did what it may not. */
  fault(what: string): void
  /** It is told that its session was taken over. */
  takenOver(): void
}

/** One connection of many that come at the same time with one client identifier, and say at once all they have to say. */
export class Racer {
  readonly clientId: string
  /** Resolves when it is let in or over. */
  readonly answered: Promise<void>
  readonly closed: Promise<void>
  readonly #version: ProtocolVersion
  readonly #cleanStart: boolean
  readonly #end: (typeof ends)[number]
  readonly #owner: RacerOwner
  readonly #answer = Promise.withResolvers<void>()
  readonly #close = Promise.withResolvers<void>()
  readonly #frames = new FrameReader(longestPacketBytes)
  readonly #first: Uint8Array
  #state: "new" | "in" | "told to go" | "over" = "new"

  constructor(port: number, clientId: string, random: Random, owner: RacerOwner) {
    this.clientId = clientId
    this.#version = random.oneIn(2) ? 5 : 4
    this.#cleanStart = random.oneIn(2)
    this.#end = ends[random.below(ends.length)] ?? "stays"
    this.#owner = owner
    this.answered = this.#answer.promise
    this.closed = this.#close.promise
    this.#first = this.#allItSays(random)
    const socket = {
      open: (opened: Bun.Socket) => this.#opened(opened),
      data: (opened: Bun.Socket, bytes: Uint8Array) => this.#received(opened, bytes),
      close: () => this.#gone(),
      connectError: () => this.#gone(),
    }
    // What the rejection says has been told to connectError.
    Bun.connect({ hostname: "127.0.0.1", port, socket }).catch(() => {})
  }

  get isOpen(): boolean {
    return this.#state !== "over"
  }

  /** CONNECT, and behind it, before any answer, whatever chance has it say. */
  #allItSays(random: Random): Uint8Array {
    const lasts = random.oneIn(2)
    const packets: Packet[] = [
      {
        type: "connect",
        version: this.#version,
        bridge: false,
        cleanStart: this.#cleanStart,
        keepAliveSeconds: 0,
        clientId: this.clientId,
        username: undefined,
        password: undefined,
        will: random.oneIn(3)
          ? {
              topic: "race/will",
              payload: new Uint8Array(10),
              qos: 1,
              retain: false,
              properties: noProperties,
            }
          : undefined,
        properties: this.#version === 5 && lasts ? { sessionExpiryInterval: 3_600 } : noProperties,
      },
    ]
    for (let count = random.below(6); count > 0; count--) packets.push(anything(random, count as PacketId))
    if (this.#end === "says DISCONNECT") {
      packets.push({
        type: "disconnect",
        reasonCode: ReasonCode.normalDisconnection,
        properties: noProperties,
      })
    }
    return Buffer.concat(packets.map((packet) => encodePacket(packet, this.#version)))
  }

  #opened(socket: Bun.Socket): void {
    socket.write(this.#first)
    if (this.#end === "is cut unheard") socket.terminate()
  }

  #received(socket: Bun.Socket, bytes: Uint8Array): void {
    this.#frames.append(bytes)
    while (this.isOpen && this.#frames.next()) {
      const { firstByte, bytes: frame, bodyStart, bodyEnd } = this.#frames
      this.#took(socket, decodePacket(firstByte, frame, bodyStart, bodyEnd, this.#version))
    }
  }

  #took(socket: Bun.Socket, packet: Packet): void {
    if (packet.type === "connack") {
      const { reasonCode, sessionPresent } = packet
      if (isError(reasonCode)) this.#owner.fault(`${this.clientId} is refused with ${reasonCode}`)
      if (sessionPresent && this.#cleanStart)
        this.#owner.fault(`${this.clientId} finds a session it did not want`)
      this.#state = "in"
      this.#answer.resolve()
      if (this.#end === "closes") socket.end()
      if (this.#end === "is cut") socket.terminate()
    }
    if (packet.type !== "disconnect") return
    if (packet.reasonCode === ReasonCode.sessionTakenOver) this.#owner.takenOver()
    else this.#owner.fault(`${this.clientId} is told to go with ${packet.reasonCode}`)
    this.#state = "told to go"
  }

  #gone(): void {
    const isOurDoing = this.#end !== "stays"
    if (!isOurDoing && this.#state === "new")
      this.#owner.fault(`${this.clientId} is closed without an answer`)
    if (!isOurDoing && this.#state === "in" && this.#version === 5) {
      this.#owner.fault(`${this.clientId} is closed and not told why`)
    }
    this.#state = "over"
    this.#answer.resolve()
    this.#close.resolve()
  }
}

function anything(random: Random, packetId: PacketId): Packet {
  const filter = topics[random.below(topics.length)] ?? "race/a"
  const qos = random.below(3) as Qos
  switch (random.below(4)) {
    case 0: {
      const request = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
      return { type: "subscribe", packetId, requests: [request], properties: noProperties }
    }
    case 1:
      return { type: "unsubscribe", packetId, filters: [filter], properties: noProperties }
    default: {
      const fields = {
        retain: false,
        topic: "race/a",
        payload: new Uint8Array(100),
        properties: noProperties,
      }
      if (qos === 0) return { type: "publish", qos, dup: false, packetId: undefined, ...fields }
      return { type: "publish", qos, dup: false, packetId, ...fields }
    }
  }
}
