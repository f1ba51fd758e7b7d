import { encodePacket } from "../protocol/encoder.ts"
import type { Packet, ProtocolVersion } from "../protocol/packet.ts"
import type { Socket } from "../transport/socket.ts"

/** Packets on their way into one socket. */
export class PacketLink {
  readonly socket: Socket
  /** Set whenever a packet was sent. */
  spoke = false

  readonly #version: ProtocolVersion
  readonly #onSending: ((packet: Packet) => void) | undefined

  constructor(socket: Socket, version: ProtocolVersion, onSending: ((packet: Packet) => void) | undefined) {
    this.socket = socket
    this.#version = version
    this.#onSending = onSending
  }

  /** False: the network has enough for now. */
  get writable(): boolean {
    return this.socket.output.writable
  }

  encode(packet: Packet): Uint8Array {
    return encodePacket(packet, this.#version)
  }

  /** @param encoded for a caller that looked at the bytes before */
  send(packet: Packet, encoded: Uint8Array = this.encode(packet)): void {
    this.#onSending?.(packet)
    this.spoke = true
    this.socket.output.append(encoded)
  }
}
