import { connect } from "../../src/transport/connect.ts"
import type { Socket } from "../../src/transport/socket.ts"

/** Somebody at the other end of a socket who is no MQTT client, or a bad one. */
export class RawPeer {
  /** Resolves when the broker has closed. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #received: () => number

  private constructor(socket: Socket, closed: Promise<void>, received: () => number) {
    this.#socket = socket
    this.closed = closed
    this.#received = received
  }

  static async connect(port: number): Promise<RawPeer> {
    const closed = Promise.withResolvers<void>()
    let received = 0
    const socket = await connect(
      { scheme: "tcp", host: "127.0.0.1", port },
      {
        received: (chunk) => {
          received += chunk.length
        },
        writable: () => {},
        closed: closed.resolve,
      },
    )
    return new RawPeer(socket, closed.promise, () => received)
  }

  /** Bytes that came so far. */
  get received(): number {
    return this.#received()
  }

  send(...bytes: readonly number[]): void {
    this.#socket.output.append(new Uint8Array(bytes))
  }

  leave(): void {
    this.#socket.terminate()
  }
}

/** The first bytes of a CONNECT that never ends. */
export const halfConnect = [0x10, 0x20, 0, 4, 0x4d, 0x51]
