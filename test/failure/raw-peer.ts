import { connect } from "../../src/transport/connect.ts"
import type { Socket } from "../../src/transport/socket.ts"

/** The first bytes of a CONNECT that never ends. */
export const halfConnect = [0x10, 0x20, 0, 4, 0x4d, 0x51]

/** Says that it has 268,435,455 bytes to say [2.1.4]. */
export const endlessConnect = [0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 0x4d, 0x51]

/** Somebody at the other end of a socket who is no MQTT client, or a bad one. */
export class RawPeer {
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
  #isOpen = true
  #socket: Socket | undefined

  private constructor(closed: Promise<void>) {
    this.closed = closed.then(() => {
      this.#isOpen = false
    })
  }

  /** One that is turned away while it connects is closed already. */
  static async connect(port: number): Promise<RawPeer> {
    const closed = Promise.withResolvers<void>()
    const peer = new RawPeer(closed.promise)
    const owner = { received: () => {}, writable: () => {}, closed: closed.resolve }
    try {
      peer.#socket = await connect({ scheme: "tcp", host: "127.0.0.1", port }, owner)
    } catch {
      closed.resolve()
    }
    return peer
  }

  static crowd(count: number, port: number): Promise<RawPeer[]> {
    return Promise.all(Array.from({ length: count }, () => RawPeer.connect(port)))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(bytes: readonly number[]): void {
    this.#socket?.output.append(new Uint8Array(bytes))
  }

  /** It is over when the broker has left as well. */
  leave(): void {
    this.#socket?.end()
  }
}
