import type { Timer } from "../foundation/clock.ts"
import type { ReasonCode } from "../protocol/reason-code.ts"
import type { Accept, Socket, SocketOwner } from "../transport/socket.ts"
import { Connection } from "./connection.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"

const sweepMs = 1_000

/** Sockets in, connections out: it refuses at the limit, ends the silent, and closes all at the end. */
export class Acceptor {
  readonly #surroundings: ConnectionSurroundings
  readonly #connections = new Set<Connection>()
  #sweep: Timer
  #emptied: (() => void) | undefined

  constructor(surroundings: ConnectionSurroundings) {
    this.#surroundings = surroundings
    this.#sweep = this.#scheduleSweep()
  }

  /** Connections of any state, those that have not said CONNECT included. */
  get size(): number {
    return this.#connections.size
  }

  /** @param anonymousAllowed whether this listener lets in whoever shows no user name */
  accept(anonymousAllowed: boolean): Accept {
    return (socket) => this.#meet(socket, anonymousAllowed)
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
    this.#sweep.cancel()
  }

  #meet(socket: Socket, anonymousAllowed: boolean): SocketOwner {
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
    const connection: Connection = new Connection(
      this.#surroundings,
      socket,
      { remoteAddress: socket.remoteAddress, anonymousAllowed },
      () => this.#gone(connection),
    )
    this.#connections.add(connection)
    return connection
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #scheduleSweep(): Timer {
    const { clock } = this.#surroundings
    return clock.at(clock.now() + sweepMs, () => {
      const now = clock.now()
      for (const connection of this.#connections) connection.sweep(now)
      this.#sweep = this.#scheduleSweep()
    })
  }
}

/** Owns a socket that was turned away. */
const nobody: SocketOwner = { received() {}, writable() {}, closed() {} }
