import { unreachable } from "../foundation/assert.ts"
import { decodePacket } from "../protocol/decoder.ts"
import type { FrameReader } from "../protocol/frame-reader.ts"
import { type Packet, type PacketId, packetTypeNumber, protocolVersionNames } from "../protocol/packet.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { Session } from "../session/session.ts"
import type { OnlineUser } from "../security/online-users.ts"
import { Rate } from "../security/guard/rate.ts"
import type { Requester } from "../security/requester.ts"
import { AckQueue } from "./ack-queue.ts"
import type { Proof } from "./authenticating.ts"
import type { ClientLink } from "./client-link.ts"
import type { Welcome } from "./connect.ts"
import type { Door } from "./entrance.ts"
import { Pace } from "./pace.ts"
import { Publishing } from "./publish.ts"
import { Reauthenticating } from "./reauthenticating.ts"
import { Subscribing } from "./subscribe.ts"
import type { ClientKeeper, ConnectionSurroundings } from "./surroundings.ts"
import type { Terms } from "./terms.ts"

/** A client has 65,535 packet identifiers to ask with, and answers as many of ours. */
const mostAnswers = 2 * 65_536

/** A client that was let in: its session, its link, and who takes which of its packets. */
export class OnlineClient implements OnlineUser {
  readonly session: Session
  readonly terms: Terms
  readonly link: ClientLink
  /** When it was let in, by the wall. */
  readonly connectedAtMs: number
  readonly #acks = new AckQueue()
  readonly #publishing: Publishing
  readonly #subscribing: Subscribing
  readonly #proof: Proof | undefined
  readonly #keeper: ClientKeeper
  /** Most never say AUTH. */
  #reauthenticating: Reauthenticating | undefined
  #over = false
  readonly #surroundings: ConnectionSurroundings
  readonly #door: Door
  /** Of the messages it may publish; undefined: as fast as it can. */
  readonly #rate: Rate | undefined
  /** Undefined, as for most: nothing is counted. */
  #pace: Pace | undefined

  constructor(
    surroundings: ConnectionSurroundings,
    door: Door,
    { terms, proof }: Welcome,
    session: Session,
    link: ClientLink,
    keeper: ClientKeeper,
  ) {
    this.#surroundings = surroundings
    this.#door = door
    this.connectedAtMs = surroundings.clock.wall()
    const perSecond = door.entrance.limits.messagesPerSecond ?? surroundings.limits.messagesPerSecond
    this.#rate = perSecond === 0 ? undefined : new Rate(perSecond)
    this.session = session
    this.terms = terms
    this.link = link
    this.#keeper = keeper
    this.#publishing = new Publishing(surroundings, link, session, terms, this.#acks)
    this.#subscribing = new Subscribing(
      surroundings,
      link,
      session,
      this.#acks,
      terms.principal,
      terms.bridge,
    )
    this.#proof = proof
    this.accountChanged()
  }

  /**
   * It is in, and from here on its session sends.
   *
   * @param accountsEdition how often accounts had changed before its own was looked at
   */
  begin(sessionPresent: boolean, accountsEdition: number): void {
    const { broker, counters, users } = this.#surroundings
    const { clientId, principal, version } = this.terms
    counters.connectionsAccepted += 1
    counters.clientsConnected += 1
    counters.clientsMaximum = Math.max(counters.clientsMaximum, broker.sessions.size)
    broker.hook.tell({
      kind: "client-connected",
      clientId,
      username: principal.username,
      address: this.#door.remoteAddress,
      version: protocolVersionNames[version],
      sessionPresent,
    })
    this.session.attach(this.link)
    users.arrived(this, accountsEdition)
  }

  get requester(): Requester {
    return this.terms.principal
  }

  dismiss(reasonCode: ReasonCode): void {
    this.link.close(reasonCode)
  }

  accountChanged(): void {
    const { clock, quotas } = this.#surroundings
    this.#pace = Pace.of(this.#rate, quotas.rateOf(this.requester, clock.now()))
  }

  /** Messages that came from it so far, those refused included. */
  get published(): number {
    return this.#publishing.published
  }

  /** It has published something whose answer waits for the disk. */
  get waitsForStore(): boolean {
    return this.#publishing.waitsForStore
  }

  /** More answers wait for the disk than anybody waits for. */
  get owesTooMuch(): boolean {
    return this.#acks.size > mostAnswers
  }

  /**
   * Hot. Takes the present frame. PUBLISH and the acknowledgements of a PUBLISH are read where they lie, without a
   * packet being made.
   *
   * @param nowMs when its bytes came
   * @throws ProtocolError for what ends the connection
   */
  frame(frame: FrameReader, nowMs: number): void {
    const { firstByte, bytes, bodyStart, bodyEnd } = frame
    if (firstByte >> 4 === 3) {
      this.#publishing.publish(frame, nowMs)
      if (this.#pace !== undefined) this.#keepPace(this.#pace, nowMs)
      return
    }
    this.#publishing.flush()
    // What was taken may have ended the connection, and what follows it is not read.
    if (this.#over) return
    if (bodyEnd - bodyStart === 2) {
      const packetId = ((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0)
      if (packetId !== 0 && this.#acknowledged(firstByte, packetId as PacketId)) return
    }
    // Whatever is in it: what is wrong with one that comes first has codes that no DISCONNECT may carry [3.14.2.1].
    if (firstByte >> 4 === packetTypeNumber.connect) throw protocolError("a second CONNECT [MQTT-3.1.0-2]")
    const { packetBounds } = this.#surroundings
    this.#packet(decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.terms.version, packetBounds))
  }

  /** Hot. All frames of a chunk were read: what waits for more of its kind goes on its way. */
  chunkEnds(): void {
    this.#publishing.flush()
  }

  /** It can be written to again. */
  writable(): void {
    this.session.writable()
    this.#subscribing.deliverRetained()
  }

  /** Retained messages that waited for the session to catch up have their turn. */
  deliverRetained(): void {
    this.#subscribing.deliverRetained()
  }

  /**
   * The connection ends: nothing more is sent.
   *
   * @param withWill false when its will is discarded
   * @param sessionExpiryInterval what its DISCONNECT changed that to, if it did [3.14.2.2.2]
   * @param why for the log
   */
  end(withWill: boolean, sessionExpiryInterval: number | undefined, why: string): void {
    this.#over = true
    this.link.end()
    this.#publishing.end()
    this.#subscribing.close()
    this.#reauthenticating?.close()
    const { session } = this
    const { broker, counters, users } = this.#surroundings
    const { clientId, principal } = this.terms
    users.left(this, withWill && session.record.will !== undefined)
    counters.clientsConnected -= 1
    broker.hook.tell({ kind: "client-disconnected", clientId, username: principal.username, why })
    broker.sessions.disconnected(session, withWill, sessionExpiryInterval)
  }

  #keepPace(pace: Pace, nowMs: number): void {
    const waitMs = pace.published(nowMs)
    if (waitMs > 0) this.#keeper.holdBack(waitMs)
  }

  #proving(): Reauthenticating {
    const { users } = this.#surroundings
    return (this.#reauthenticating ??= new Reauthenticating(
      this.link,
      this.terms,
      this.#proof,
      this.#keeper,
      users,
    ))
  }

  #acknowledged(firstByte: number, packetId: PacketId): boolean {
    switch (firstByte) {
      case 0x40:
        this.#publishing.puback(packetId)
        break
      case 0x50:
        this.#publishing.pubrec(packetId, ReasonCode.success)
        break
      case 0x62:
        this.#publishing.pubrel(packetId)
        break
      case 0x70:
        this.#publishing.pubcomp(packetId)
        break
      default:
        return false
    }
    this.#subscribing.deliverRetained()
    return true
  }

  #packet(packet: Packet): void {
    switch (packet.type) {
      case "puback":
        this.#publishing.puback(packet.packetId)
        return this.#subscribing.deliverRetained()
      case "pubrec":
        this.#publishing.pubrec(packet.packetId, packet.reasonCode)
        return this.#subscribing.deliverRetained()
      case "pubrel":
        return this.#publishing.pubrel(packet.packetId)
      case "pubcomp":
        this.#publishing.pubcomp(packet.packetId)
        return this.#subscribing.deliverRetained()
      case "subscribe":
        return this.#subscribing.subscribe(packet)
      case "unsubscribe":
        return this.#subscribing.unsubscribe(packet)
      case "pingreq":
        return this.link.send({ type: "pingresp" })
      case "disconnect":
        return this.#keeper.farewell(packet)
      case "auth":
        return this.#proving().auth(packet)
      case "connect":
      case "publish":
      case "connack":
      case "suback":
      case "unsuback":
      case "pingresp":
        throw protocolError(`${packet.type} from a client`)
      default:
        unreachable(packet)
    }
  }
}
