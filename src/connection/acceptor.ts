import { ReasonCode } from "../protocol/reason-code.ts"
import type { Bannable } from "../security/guard/bans.ts"
import type { Accept, PeerCertificate, Socket, SocketOwner } from "../transport/socket.ts"
import { Arrivals } from "./arrivals.ts"
import { Connection, type ConnectionKeeper } from "./connection.ts"
import type { Entrance } from "./entrance.ts"
import { Patrol } from "./patrol.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"
import { TurnedAwayReport } from "./turned-away-report.ts"

/** Why a certificate that was trusted is not any more; undefined: it is. */
type Distrust = (certificate: PeerCertificate) => string | undefined

/**
 * How long those may be silent who are more than may be half open. When thousands come at once, as after a power cut,
 * they are met seconds before what they have said can be read.
 */
const patienceMs = 5_000
/** The same when there is no room for anybody else. */
const patienceWhenFullMs = 1_000

/** Sockets in, connections out: it turns away who comes too often, ends the silent, and closes all at the end. */
export class Acceptor implements ConnectionKeeper {
  readonly #surroundings: ConnectionSurroundings
  readonly #connections = new Set<Connection>()
  /** Were never let in, and have not read our last words so far. Oldest first. */
  readonly #leaving = new Set<Connection>()
  readonly #distrusts = new Map<Entrance, Distrust>()
  readonly #arrivals: Arrivals
  readonly #report: TurnedAwayReport
  readonly #patrol: Patrol<Connection>
  #emptied: (() => void) | undefined

  constructor(surroundings: ConnectionSurroundings) {
    this.#surroundings = surroundings
    this.#arrivals = new Arrivals(surroundings)
    this.#report = new TurnedAwayReport(surroundings.clock, surroundings.log)
    this.#patrol = new Patrol(surroundings.clock, (connection, nowMs) => connection.visited(nowMs))
    surroundings.bans.onAdded((added) => {
      const wallMs = surroundings.clock.wall()
      // Banned [0x8A] is for CONNACK alone [2.4].
      const code = ReasonCode.administrativeAction
      this.endWhere((peer) => added.against(peer, wallMs) !== undefined, code, "banned")
    })
  }

  /** Connections of any state, those that have not said CONNECT included. */
  get size(): number {
    return this.#connections.size
  }

  /** All of them. Who walks over them may go on while others come and go. */
  get connections(): Iterable<Connection> {
    return this.#connections
  }

  /** Who comes in by one listener. */
  accept(entrance: Entrance): Accept {
    return (socket) => this.#meet(socket, entrance)
  }

  /**
   * Ends every connection that fits, in whatever state it is, and leaves nothing of it: no will.
   *
   * @param reasonCode what version 5 clients are told
   * @param why for the log
   */
  endWhere(fits: (peer: Bannable) => boolean, reasonCode: ReasonCode, why: string): void {
    for (const connection of [...this.#connections]) {
      if (fits(connection.peer)) connection.expel(reasonCode, why)
    }
  }

  /**
   * Ends every connection by an entrance that has shown a certificate which is not trusted any more, and leaves nothing of
   * it: no will. Who was still shaking hands as it was trusted is turned away.
   *
   * @param distrust why it is not trusted, for the log; undefined: it is
   * @returns how many were ended
   */
  distrust(entrance: Entrance, distrust: Distrust): number {
    this.#distrusts.set(entrance, distrust)
    let ended = 0
    for (const connection of [...this.#connections]) {
      const { certificate, entrance: by } = connection.door
      const why = by === entrance && certificate !== undefined ? distrust(certificate) : undefined
      if (why === undefined) continue
      connection.expel(ReasonCode.administrativeAction, why)
      ended += 1
    }
    return ended
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
    this.#report.close()
  }

  comeBy(connection: Connection, atMs: number): void {
    this.#patrol.comeBy(connection, atMs)
  }

  introduced(connection: Connection): void {
    this.#arrivals.introduced(connection)
  }

  /** Those who do not read why they were refused are as many as may be half open; then the oldest is cut off. */
  refused(connection: Connection): void {
    this.#arrivals.introduced(connection)
    this.#leaving.add(connection)
    if (this.#leaving.size <= this.#surroundings.limits.halfOpen) return
    for (const oldest of this.#leaving) {
      this.#leaving.delete(oldest)
      oldest.cutOff()
      return
    }
  }

  gone(connection: Connection): void {
    this.#patrol.forget(connection)
    this.#arrivals.wentOut(connection)
    this.#leaving.delete(connection)
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #meet(socket: Socket, entrance: Entrance): SocketOwner {
    const { clock, counters, limits } = this.#surroundings
    const { remoteAddress } = socket
    counters.socketsOpened += 1
    const nowMs = clock.now()
    const why = this.#isDistrusted(socket, entrance)
      ? "distrusted"
      : this.#arrivals.objectionTo(remoteAddress, entrance, nowMs)
    if (why !== undefined && !(why === "full" && this.#makeRoom(patienceWhenFullMs, nowMs))) {
      counters.turnedAway[why] += 1
      this.#report.add(why, remoteAddress)
      socket.terminate()
      return nobody
    }
    const { halfOpen } = this.#arrivals
    if (halfOpen.size >= limits.halfOpen) this.#makeRoom(patienceMs, nowMs)
    const door = { remoteAddress, certificate: socket.peerCertificate, entrance }
    const connection = new Connection(this.#surroundings, socket, door, this)
    this.#connections.add(connection)
    this.#arrivals.cameIn(connection, nowMs)
    return connection
  }

  #isDistrusted({ peerCertificate }: Socket, entrance: Entrance): boolean {
    return peerCertificate !== undefined && this.#distrusts.get(entrance)?.(peerCertificate) !== undefined
  }

  /**
   * An honest client says CONNECT at once, so the one that has been silent for longest gives way.
   *
   * @returns whether one was silent for so long
   */
  #makeRoom(silentForMs: number, nowMs: number): boolean {
    const silent = this.#arrivals.halfOpen.silent(silentForMs, nowMs)
    if (silent === undefined) return false
    this.#surroundings.counters.turnedAway["half-open"] += 1
    this.#report.add("half-open", silent.door.remoteAddress)
    silent.cutOff()
    return true
  }
}

/** Owns a socket that was turned away. */
const nobody: SocketOwner = { received() {}, writable() {}, closed() {} }
