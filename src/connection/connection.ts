import { assert, unreachable } from "../foundation/assert.ts"
import { decodePacket } from "../protocol/decoder.ts"
import { FrameReader } from "../protocol/frame-reader.ts"
import type { Disconnect, Packet, ProtocolVersion } from "../protocol/packet.ts"
import { malformedPacket, ProtocolError } from "../protocol/protocol-error.ts"
import { describeReasonCode, ReasonCode } from "../protocol/reason-code.ts"
import { tellableName } from "../security/authentication/token-shape.ts"
import type { Bannable } from "../security/guard/bans.ts"
import type { Session } from "../session/session.ts"
import type { Socket, SocketOwner } from "../transport/socket.ts"
import { Admission, type Doorkeeper } from "./admission.ts"
import { ClientLink } from "./client-link.ts"
import { connackFor, encodeRefusal, namedVersion, type Refusal, type Welcome } from "./connect.ts"
import type { Door } from "./entrance.ts"
import { OnlineClient } from "./online-client.ts"
import { Reading, type WaitsFor } from "./reading.ts"
import type { ClientKeeper, ConnectionSurroundings } from "./surroundings.ts"
import { Validity } from "./validity.ts"

type State =
  | { readonly at: "awaiting-connect" }
  /** CONNECT was read; what follows it waits until the client is in, but for what it is asked. */
  | { readonly at: "entering"; readonly admission: Admission }
  | { readonly at: "online"; readonly client: OnlineClient; readonly validity: Validity }
  /** Nothing more is read; the last bytes are on their way out until the deadline. */
  | { readonly at: "closed"; readonly deadlineMs: number }

/** Whoever keeps connections: told when one wants to be visited, and when it is gone. */
export interface ConnectionKeeper {
  /** Calls `visited` of the connection at that time, or a little later. */
  comeBy(connection: Connection, atMs: number): void
  /** It has said CONNECT. */
  introduced(connection: Connection): void
  /** It is not let in; its last words are on their way out. */
  refused(connection: Connection): void
  /** Its socket is closed and nothing more can come. */
  gone(connection: Connection): void
}

/** How long a peer may take to read our last words. */
const farewellMs = 5_000

/**
 * One Network Connection: it reads packets for as long as its state allows them, writes what its session sends, and
 * is the one place where a broken rule turns into an answer and an end.
 */
export class Connection implements SocketOwner, ClientKeeper, Doorkeeper {
  readonly door: Door
  readonly #surroundings: ConnectionSurroundings
  readonly #socket: Socket
  readonly #keeper: ConnectionKeeper
  readonly #frames: FrameReader
  readonly #reading: Reading
  /** By then it has said CONNECT, and has proven who it is if that takes AUTH packets. */
  readonly #connectDeadlineMs: number
  #state: State
  #heardMs: number
  #bytesReceived = 0
  /** Its socket is closed, and what came by it is not read yet. */
  #peerIsGone = false
  /** What the first packet says it is written in, should the rest of it be unreadable. */
  #spoken: ProtocolVersion | undefined

  constructor(surroundings: ConnectionSurroundings, socket: Socket, door: Door, keeper: ConnectionKeeper) {
    this.#surroundings = surroundings
    this.#socket = socket
    this.door = door
    this.#keeper = keeper
    this.#frames = new FrameReader(surroundings.limits.connectPacketBytes)
    this.#reading = new Reading(surroundings, socket, this)
    // Until CONNECT says that version 5 is spoken, which forbids it.
    this.#frames.takesPaddedLengths = true
    this.#heardMs = surroundings.clock.now()
    this.#connectDeadlineMs = this.#heardMs + surroundings.limits.connectTimeoutMs
    this.#state = { at: "awaiting-connect" }
    keeper.comeBy(this, this.#connectDeadlineMs)
  }

  /** The server ends it: says why, as far as the version allows, and closes. */
  close(reasonCode: ReasonCode): void {
    if (this.#state.at === "online") this.#part(reasonCode)
    else this.#end(false, undefined, describeReasonCode(reasonCode))
  }

  /** Who is at the other end, as far as that is known. */
  get peer(): Bannable {
    const state = this.#state
    const { remoteAddress } = this.door
    switch (state.at) {
      case "awaiting-connect":
      case "closed":
        return { clientId: undefined, username: undefined, remoteAddress }
      case "entering":
        return state.admission.peer
      case "online":
        return state.client.requester
      default:
        return unreachable(state)
    }
  }

  /** Whom it brought in; undefined before and after it is online. */
  get client(): OnlineClient | undefined {
    return this.#state.at === "online" ? this.#state.client : undefined
  }

  /** Why what it sends is left where it is for now, which is felt as back-pressure; undefined: it is read. */
  get waitsFor(): WaitsFor | undefined {
    return this.#reading.waitsFor
  }

  /** Of the stream of bytes, below MQTT. */
  get bytesReceived(): number {
    return this.#bytesReceived
  }

  /** The same on the way out: what the system took. */
  get bytesSent(): number {
    return this.#socket.output.sentBytes
  }

  /** What the system did not take yet. */
  get bytesUnsent(): number {
    return this.#socket.output.size
  }

  /** The server ends it, and has its will published by nobody. */
  expel(reasonCode: ReasonCode, why: string): void {
    const state = this.#state
    if (state.at === "entering") state.admission.revoke()
    if (state.at !== "online") return this.#end(false, undefined, why)
    state.client.requester.revoke()
    // Nor after a restart, when nobody remembers that it was revoked.
    this.#part(reasonCode, undefined, why, false)
  }

  /** Ends it at once, without a word. */
  cutOff(): void {
    this.#socket.terminate()
    this.#end(false, undefined, "cut off")
  }

  // --- what the socket tells it ---

  received(chunk: Uint8Array): void {
    this.#surroundings.counters.bytesReceived += chunk.length
    this.#bytesReceived += chunk.length
    this.#heardMs = this.#surroundings.clock.now()
    try {
      if (this.#state.at === "closed") return
      this.#frames.append(chunk)
      if (this.#state.at !== "online" || this.#surroundings.turn.mayBegin(this.#heardMs)) this.#readFrames()
      else this.#reading.yield(chunk.length <= briefBytes ? "brief" : "long")
    } catch (error) {
      this.fail(error)
    }
  }

  closed(): void {
    // What it said before it went is heard to the end, its farewell too.
    this.#peerIsGone = this.#reading.awaitsTurn
    if (this.#peerIsGone) return
    this.#end(true, undefined, "connection lost")
    this.#keeper.gone(this)
  }

  writable(): void {
    this.#goOn()
    if (this.#peerIsGone) this.closed()
  }

  #goOn(): void {
    try {
      if (this.#state.at !== "online") return
      const { client } = this.#state
      client.writable()
      if (!this.#reading.resume(client.waitsForStore)) return
      this.#heardMs = this.#surroundings.clock.now()
      this.#readFrames()
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Ends what has been silent for too long, or is no longer whom it was found to be.
   *
   * @returns when to look again
   */
  visited(nowMs: number): number {
    const state = this.#state
    switch (state.at) {
      case "awaiting-connect":
        if (nowMs < this.#connectDeadlineMs) return this.#connectDeadlineMs
        this.#refuse(undefined, "no CONNECT in time")
        return nowMs + farewellMs
      case "entering":
        if (!state.admission.isConversation) return Number.POSITIVE_INFINITY
        if (nowMs < this.#connectDeadlineMs) return this.#connectDeadlineMs
        this.#refuse(ReasonCode.notAuthorized, "authentication was not over in time")
        return nowMs + farewellMs
      case "online": {
        const { link, terms } = state.client
        const { silenceLimitMs } = terms
        const expired = state.validity.expired(terms.principal)
        if (expired !== undefined) {
          this.#part(ReasonCode.maximumConnectTime, expired)
          return nowMs + farewellMs
        }
        // Whom we read no further, for the disk is behind or it publishes too fast, we cannot hear.
        const expiryMs = state.validity.lookAgainAtMs(terms.principal)
        if (!this.#reading.isOn && link.takesMore) return Math.min(nowMs + silenceLimitMs, expiryMs)
        if (nowMs - this.#heardMs <= silenceLimitMs) {
          return Math.min(this.#heardMs + silenceLimitMs + 1, expiryMs)
        }
        this.#part(ReasonCode.keepAliveTimeout)
        return nowMs + farewellMs
      }
      case "closed":
        if (nowMs < state.deadlineMs) return state.deadlineMs
        this.#socket.terminate()
        return Number.POSITIVE_INFINITY
      default:
        return unreachable(state)
    }
  }

  // --- what the parts of its client tell it ---

  part(reasonCode: ReasonCode): void {
    this.#part(reasonCode)
  }

  distrust(why: string): void {
    if (this.#state.at !== "online") return
    const { clientId, principal } = this.#state.client.terms
    this.#tellRefusal(clientId, principal.username, true, why)
    this.#part(ReasonCode.notAuthorized)
  }

  renewed(): void {
    if (this.#state.at !== "online") return
    const { client, validity } = this.#state
    this.#keeper.comeBy(this, validity.lookAgainAtMs(client.terms.principal))
  }

  holdBack(ms: number): void {
    if (this.#state.at === "online") this.#reading.holdBack(ms)
  }

  /** Only reason code 0 discards the will [MQTT-3.14.4-3]. */
  farewell({ reasonCode, properties }: Disconnect): void {
    if (this.#state.at !== "online") return
    const { terms } = this.#state.client
    const { sessionExpiryInterval } = properties
    if (sessionExpiryInterval !== undefined && sessionExpiryInterval !== 0) {
      if (terms.sessionExpiryIntervalSeconds === 0) {
        throw new ProtocolError(ReasonCode.protocolError, "a session cannot outlive its connection after all")
      }
    }
    const withWill = reasonCode !== ReasonCode.normalDisconnection
    this.#end(
      withWill,
      sessionExpiryInterval,
      withWill ? describeReasonCode(reasonCode) : "disconnected by client",
      true,
    )
  }

  deliverRetained(): void {
    if (this.#state.at === "online") this.#state.client.deliverRetained()
  }

  // --- reading ---

  /** A ProtocolError is answered; anything else is a bug of ours. Either ends this connection and no other. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#surroundings.counters.protocolErrors += 1
      if (this.#state.at === "online") {
        this.#surroundings.log.info("protocol error", {
          client: this.#state.client.terms.clientId,
          code: describeReasonCode(error.reasonCode),
          detail: error.message,
        })
        this.#part(error.reasonCode, error.message)
      } else {
        // Before MQTT 5 what is no CONNECT gets no CONNACK [3.1.1: MQTT-3.1.4-1], unless it is one of a version we lack.
        const isAnswered = this.#spoken === 5 || error.reasonCode === ReasonCode.unsupportedProtocolVersion
        this.#refuse(isAnswered ? error.reasonCode : undefined, error.message)
      }
      return
    }
    this.#surroundings.log.error("a bug ended a connection", {
      address: this.door.remoteAddress,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    this.#part(ReasonCode.unspecifiedError)
  }

  #readFrames(): void {
    const frames = this.#frames
    const { counters, publishRun, turn } = this.#surroundings
    try {
      while (this.#reading.isOn && this.#readsNow && frames.next()) {
        counters.packetsReceived += 1
        this.#frame(frames)
        // While a run goes on, nothing is done but to look for its end.
        if (publishRun.count > 1 || this.#state.at !== "online") continue
        // An acknowledgement is little work, and a look at the clock half as much again (bench row pairs-2): one in
        // sixteen or so is enough, whosever packets are counted.
        if (isAcknowledgement(frames.firstByte) && counters.packetsReceived % 16 !== 0) continue
        if (!turn.isOver(this.#heardMs)) continue
        counters.yielded += 1
        this.#reading.yield("long")
      }
    } finally {
      // What came before a frame that breaks a rule was received all the same.
      if (this.#state.at === "online") this.#state.client.chunkEnds()
    }
    if (this.#state.at !== "online") return
    const { client } = this.#state
    if (client.owesTooMuch) this.#part(ReasonCode.quotaExceeded, "too many answers wait for the store")
    else this.#reading.settle(client.waitsForStore)
  }

  get #readsNow(): boolean {
    const state = this.#state
    if (state.at === "entering") return state.admission.listens
    return state.at === "awaiting-connect" || state.at === "online"
  }

  #frame(frames: FrameReader): void {
    const state = this.#state
    if (state.at === "online") {
      state.client.frame(frames, this.#heardMs)
      return
    }
    const { firstByte, bytes, bodyStart, bodyEnd } = frames
    const { packetBounds: bounds } = this.#surroundings
    if (state.at === "entering") {
      state.admission.packet(decodePacket(firstByte, bytes, bodyStart, bodyEnd, 5, bounds))
      return
    }
    this.#spoken = namedVersion(firstByte, bytes, bodyStart, bodyEnd)
    this.#connect(decodePacket(firstByte, bytes, bodyStart, bodyEnd, 4, bounds))
  }

  // --- from stranger to client ---

  #connect(packet: Packet): void {
    if (packet.type !== "connect") {
      throw new ProtocolError(ReasonCode.protocolError, "the first packet is not CONNECT [MQTT-3.1.0-1]")
    }
    if (packet.version === 5) {
      // Which version it is was not known when the length was read.
      if (this.#frames.isPadded) throw malformedPacket("the remaining length is padded [MQTT-1.5.5-1]")
      this.#frames.takesPaddedLengths = false
    }
    const admission = new Admission(this.#surroundings, this.door, packet, this)
    this.#state = { at: "entering", admission }
    // Who is to be asked who it is may keep us waiting as well as who says nothing.
    if (packet.properties.authenticationMethod === undefined) this.#keeper.introduced(this)
    const entering = admission.begin()
    if (entering === undefined) return
    this.#socket.pause()
    entering.then(() => this.readOn()).catch((error: unknown) => this.fail(error))
  }

  say(bytes: Uint8Array): void {
    this.#socket.output.append(bytes)
    this.#surroundings.counters.packetsSent += 1
    this.#surroundings.counters.bytesSent += bytes.length
  }

  readOn(): void {
    this.#socket.resume()
    this.#heardMs = this.#surroundings.clock.now()
    this.#readFrames()
  }

  readNoFurther(): void {
    this.#socket.pause()
  }

  leaves(): void {
    this.#end(false, undefined, "disconnected by client", true)
  }

  refuse({ reasonCode, why, username }: Refusal): void {
    this.#refuse(reasonCode, describeReasonCode(reasonCode), why, username)
  }

  admit(agreed: Welcome, session: Session, sessionPresent: boolean): void {
    const { clock, limits } = this.#surroundings
    const { terms, accountsEdition } = agreed
    assert(this.#state.at === "entering", "who is let in has asked for it and is still there")
    const { admission } = this.#state
    admission.end()
    this.#keeper.introduced(this)
    const link = new ClientLink(this.#surroundings, this.#socket.output, terms, this)
    link.send(connackFor(admission.connect, agreed, sessionPresent, this.#surroundings))
    const client = new OnlineClient(this.#surroundings, this.door, agreed, session, link, this)
    const validity = new Validity(clock, this.door.certificate)
    this.#state = { at: "online", client, validity }
    this.#frames.maximumBytes = limits.packetBytes
    const againAtMs = validity.lookAgainAtMs(terms.principal)
    this.#keeper.comeBy(this, Math.min(this.#heardMs + terms.silenceLimitMs, againAtMs))
    client.begin(sessionPresent, accountsEdition)
  }

  // --- ends ---

  /**
   * @param reasonCode undefined: the connection is closed without a word, as to whoever never sent CONNECT
   * @param told what the client is told
   * @param why what the log is told
   */
  #refuse(reasonCode: ReasonCode | undefined, told: string, why = told, username?: string): void {
    if (this.#state.at === "closed") return
    const connect = this.#state.at === "entering" ? this.#state.admission.connect : undefined
    if (reasonCode !== undefined) this.say(encodeRefusal(reasonCode, told, connect, this.#spoken))
    this.#tellRefusal(connect?.clientId ?? "", username ?? connect?.username, connect !== undefined, why)
    this.#end(false, undefined, why)
  }

  #tellRefusal(clientId: string, username: string | undefined, hasAsked: boolean, why: string): void {
    this.#surroundings.counters.clientsRefused += 1
    this.#surroundings.broker.hook.tell({
      kind: "client-refused",
      clientId,
      username: tellableName(username),
      address: this.door.remoteAddress,
      listener: this.door.entrance.url,
      hasAsked,
      why,
    })
  }

  /** Tells a version 5 client why [4.13.1], and closes. */
  #part(
    reasonCode: ReasonCode,
    detail = describeReasonCode(reasonCode),
    why = describeReasonCode(reasonCode),
    withWill = true,
  ): void {
    const state = this.#state
    if (state.at === "online" && state.client.terms.version === 5) {
      const { link } = state.client
      const { serverReference } = this.#surroundings.limits
      const elsewhere = reasonCode === ReasonCode.useAnotherServer && serverReference !== ""
      const properties = { ...link.explained(detail), ...(elsewhere && { serverReference }) }
      link.send({ type: "disconnect", reasonCode, properties })
    }
    this.#end(withWill, undefined, why)
  }

  /**
   * The one way out, taken once.
   *
   * @param peerIsDone it has said so itself, and may send nothing more [MQTT-3.14.4-2]
   */
  #end(withWill: boolean, sessionExpiryInterval: number | undefined, why: string, peerIsDone = false): void {
    const state = this.#state
    if (state.at === "closed") return
    const deadlineMs = this.#surroundings.clock.now() + farewellMs
    this.#state = { at: "closed", deadlineMs }
    this.#keeper.comeBy(this, deadlineMs)
    this.#socket.end(peerIsDone)
    this.#reading.end()
    if (state.at === "entering") state.admission.end()
    if (state.at !== "online") return this.#keeper.refused(this)
    state.client.end(withWill, sessionExpiryInterval, why)
  }
}

/** A PINGREQ, some acknowledgements, a message: who sends no more at once is soon done. */
const briefBytes = 64

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
function isAcknowledgement(firstByte: number): boolean {
  return firstByte >= 0x40 && firstByte < 0x80
}
