import { Client } from "../../src/client/client.ts"
import type { ClientOptions } from "../../src/client/client-options.ts"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import {
  type Acknowledgement,
  type Connack,
  type Packet,
  type PacketId,
  parsePacketId,
  type ProtocolVersion,
  type Publish,
} from "../../src/protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../../src/protocol/properties.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { MemorySocket } from "../support/memory-socket.ts"
import { TurnedClock } from "../support/turned-clock.ts"

export function packetId(value: number): PacketId {
  const id = parsePacketId(value)
  if (id === undefined) throw new Error(`${value} is no packet identifier`)
  return id
}

export function connack(fields: Partial<Connack> = {}): Connack {
  return {
    type: "connack",
    sessionPresent: false,
    reasonCode: ReasonCode.success,
    properties: noProperties,
    ...fields,
  }
}

export function publish(fields: Partial<Publish> = {}): Publish {
  return {
    type: "publish",
    qos: 0,
    dup: false,
    retain: false,
    topic: "a/b",
    packetId: undefined,
    payload: bytesOf("hello"),
    properties: {},
    ...fields,
  }
}

export function acknowledgement<Type extends "puback" | "pubrec" | "pubrel" | "pubcomp">(
  type: Type,
  id: number,
  reasonCode: ReasonCode = ReasonCode.success,
): Acknowledgement<Type> {
  return { type, packetId: packetId(id), reasonCode, properties: {} as PropertiesOf<Type> }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The server's end of a client's connection: says and hears what the test wants. */
export class ScriptedServer {
  readonly clock = new TurnedClock()
  readonly client: Client
  readonly socket: MemorySocket
  /** What `Client.start` promised. */
  readonly connected: Promise<Connack>
  /** What the client handed on. */
  readonly messages: Publish[] = []

  readonly #version: ProtocolVersion
  readonly #frames = new FrameReader(268_435_460)

  constructor(options: Partial<ClientOptions> = {}) {
    this.#version = options.version ?? 5
    this.client = new Client({
      version: this.#version,
      clientId: "ada",
      clock: this.clock,
      onMessage: (message) => this.messages.push(message),
      ...options,
    })
    const started = Promise.withResolvers<Connack>()
    this.connected = started.promise
    // A test that is about something else need not look at it.
    this.connected.catch(() => {})
    this.socket = new MemorySocket((socket) => {
      this.client.start(socket).then(started.resolve, started.reject)
      return this.client.socketOwner
    })
  }

  /** A server that has accepted the client, with the CONNECT read already. */
  static online(options: Partial<ClientOptions> = {}, answer: Partial<Connack> = {}): ScriptedServer {
    const server = new ScriptedServer(options)
    server.hears()
    server.says(connack(answer))
    return server
  }

  /** All in one chunk. */
  says(...packets: readonly Packet[]): void {
    this.socket.deliver(Buffer.concat(packets.map((packet) => encodePacket(packet, this.#version))))
  }

  /** What the client has sent since this was asked last. */
  hears(): Packet[] {
    this.#frames.append(this.socket.sent())
    const packets: Packet[] = []
    while (this.#frames.next()) {
      const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
      packets.push(decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.#version))
    }
    return packets
  }
}
