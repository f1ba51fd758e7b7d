import type { ReasonCode } from "../protocol/reason-code.ts"
import type { Accept, Socket, SocketOwner } from "../transport/socket.ts"
import { Connection, type ConnectionKeeper } from "./connection.ts"
import type { Entrance } from "./entrance.ts"
import { Patrol } from "./patrol.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"

/** Sockets in, connections out: it refuses at the limit, ends the silent, and closes all at the end. */
export class Acceptor implements ConnectionKeeper {
  readonly #surroundings: ConnectionSurroundings
  readonly #connections = new Set<Connection>()
  readonly #patrol: Patrol<Connection>
  #emptied: (() => void) | undefined

  constructor(surroundings: ConnectionSurroundings) {
    this.#surroundings = surroundings
    this.#patrol = new Patrol(surroundings.clock, (connection, nowMs) => connection.visited(nowMs))
  }

  /** Connections of any state, those that have not said CONNECT included. */
  get size(): number {
    return this.#connections.size
  }

  /** Who comes in by one listener. */
  accept(entrance: Entrance): Accept {
    return (socket) => this.#meet(socket, entrance)
  }

  /**
   * Says goodbye to everyone, and resolves when all are gone or have had their time to read it.
   *
   * @param reasonCode what version 5 clients are told
   */
  async close(reasonCode: ReasonCode): Promise<void> {
    for (const connection of this.#connections) connection.close(reasonCode)
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve
      })
    }
    this.#patrol.close()
  }

  comeBy(connection: Connection, atMs: number): void {
    this.#patrol.comeBy(connection, atMs)
  }

  gone(connection: Connection): void {
    this.#patrol.forget(connection)
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #meet(socket: Socket, entrance: Entrance): SocketOwner {
    const { counters, limits, log } = this.#surroundings
    counters.socketsOpened += 1
    if (this.#connections.size >= limits.connections) {
      log.warn("connection refused: the limit is reached", {
        address: socket.remoteAddress,
        limit: limits.connections,
      })
      socket.terminate()
      return nobody
    }
    const { remoteAddress, peerCertificate: certificate } = socket
    const door = { remoteAddress, certificate, entrance }
    const connection = new Connection(this.#surroundings, socket, door, this)
    this.#connections.add(connection)
    return connection
  }
}

/** Owns a socket that was turned away. */
const nobody: SocketOwner = { received() {}, writable() {}, closed() {} }
