import { unreachable } from "../foundation/assert.ts"
import type { Timer } from "../foundation/clock.ts"
import { decodePacket } from "../protocol/decoder.ts"
import { encodePacket } from "../protocol/encoder.ts"
import { FrameReader } from "../protocol/frame-reader.ts"
import type { Auth, Connect, Disconnect, Packet, ProtocolVersion } from "../protocol/packet.ts"
import { ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { describeReasonCode, ReasonCode } from "../protocol/reason-code.ts"
import type { AuthenticationExchange, ExchangeOutcome } from "../security/authentication/exchange.ts"
import { tellableName } from "../security/authentication/token-shape.ts"
import type { Bannable } from "../security/guard/bans.ts"
import { Rate } from "../security/guard/rate.ts"
import type { Requester } from "../security/requester.ts"
import type { Session } from "../session/session.ts"
import type { Socket, SocketOwner } from "../transport/socket.ts"
import { Authenticating } from "./authenticating.ts"
import { ClientLink } from "./client-link.ts"
import { connackFor, encodeRefusal, namedVersion, type Refusal, type Welcome, welcome } from "./connect.ts"
import type { Door } from "./entrance.ts"
import { OnlineClient } from "./online-client.ts"
import type { ClientKeeper, ConnectionSurroundings } from "./surroundings.ts"

type State =
  | { readonly at: "awaiting-connect" }
  /** CONNECT was read; what follows it waits until the client is in. */
  | { readonly at: "welcoming"; readonly connect: Connect; readonly requester: Requester | undefined }
  /** The client is asked who it is, in AUTH packets [4.12]. */
  | { readonly at: "authenticating"; readonly connect: Connect; readonly exchange: Authenticating }
  | { readonly at: "online"; readonly client: OnlineClient }
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
export class Connection implements SocketOwner, ClientKeeper {
  readonly #surroundings: ConnectionSurroundings
  readonly #socket: Socket
  readonly door: Door
  readonly #keeper: ConnectionKeeper
  readonly #frames: FrameReader
  /** By then it has said CONNECT, and has proven who it is if that takes AUTH packets. */
  readonly #connectDeadlineMs: number
  #state: State
  #heardMs: number
  #reading: "reading" | "paused" = "reading"
  /** Set while it is read no further because it has published more than it may. */
  #heldBack: Timer | undefined
  /** The store was asked to call when it has caught up. */
  #awaitsStore = false
  /** What the first packet says it is written in, should the rest of it be unreadable. */
  #spoken: ProtocolVersion | undefined

  constructor(surroundings: ConnectionSurroundings, socket: Socket, door: Door, keeper: ConnectionKeeper) {
    this.#surroundings = surroundings
    this.#socket = socket
    this.door = door
    this.#keeper = keeper
    this.#frames = new FrameReader(surroundings.limits.connectPacketBytes)
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
      case "welcoming":
        return state.requester ?? { clientId: state.connect.clientId, username: undefined, remoteAddress }
      case "authenticating":
        return { clientId: state.connect.clientId, username: undefined, remoteAddress }
      case "online":
        return state.client.requester
      default:
        return unreachable(state)
    }
  }

  /** The server ends it, and has its will published by nobody. */
  expel(reasonCode: ReasonCode, why: string): void {
    const state = this.#state
    if (state.at !== "online") return this.#end(false, undefined, why)
    state.client.requester.revoke()
    this.#part(reasonCode, undefined, why)
  }

  /** Ends it at once, without a word. */
  cutOff(): void {
    this.#socket.terminate()
    this.#end(false, undefined, "cut off")
  }

  // --- what the socket tells it ---

  received(chunk: Uint8Array): void {
    this.#surroundings.counters.bytesReceived += chunk.length
    this.#heardMs = this.#surroundings.clock.now()
    try {
      if (this.#state.at === "closed") return
      this.#frames.append(chunk)
      this.#readFrames()
    } catch (error) {
      this.#fail(error)
    }
  }

  closed(): void {
    this.#end(true, undefined, "connection lost")
    this.#keeper.gone(this)
  }

  writable(): void {
    try {
      if (this.#state.at !== "online") return
      this.#state.client.writable()
      if (!this.#surroundings.storeIsBehind) this.#resume()
      else if (this.#reading === "paused") this.#awaitStore()
    } catch (error) {
      this.#fail(error)
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
      case "authenticating":
        if (nowMs < this.#connectDeadlineMs) return this.#connectDeadlineMs
        this.#refuse(ReasonCode.notAuthorized, "authentication was not over in time")
        return nowMs + farewellMs
      case "online": {
        const { link, terms } = state.client
        const { silenceLimitMs, principal } = terms
        const { expiresAtMs } = principal.principal
        if (nowMs >= expiresAtMs) {
          this.#part(ReasonCode.maximumConnectTime, "the token has expired")
          return nowMs + farewellMs
        }
        // Whom we read no further, for the disk is behind or it publishes too fast, we cannot hear.
        if (this.#reading === "paused" && link.takesMore) return Math.min(nowMs + silenceLimitMs, expiresAtMs)
        if (nowMs - this.#heardMs <= silenceLimitMs) {
          return Math.min(this.#heardMs + silenceLimitMs + 1, expiresAtMs)
        }
        this.#part(ReasonCode.keepAliveTimeout)
        return nowMs + farewellMs
      }
      case "closed":
        if (nowMs < state.deadlineMs) return state.deadlineMs
        this.#socket.terminate()
        return Number.POSITIVE_INFINITY
      case "welcoming":
        return Number.POSITIVE_INFINITY
      default:
        return unreachable(state)
    }
  }

  // --- what the parts of its client tell it ---

  part(reasonCode: ReasonCode): void {
    this.#part(reasonCode)
  }

  refuse(why: string): void {
    if (this.#state.at !== "online") return
    const { clientId, principal } = this.#state.client.terms
    this.#tellRefusal(clientId, principal.username, true, why)
    this.#part(ReasonCode.notAuthorized)
  }

  renewed(): void {
    if (this.#state.at !== "online") return
    this.#keeper.comeBy(this, this.#state.client.terms.principal.principal.expiresAtMs)
  }

  fail(error: unknown): void {
    this.#fail(error)
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
  #fail(error: unknown): void {
    if (error instanceof ProtocolError) {
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
    try {
      while (this.#reading === "reading" && this.#readsNow && frames.next()) {
        this.#surroundings.counters.packetsReceived += 1
        this.#frame(frames)
      }
    } finally {
      // What came before a frame that breaks a rule was received all the same.
      if (this.#state.at === "online") this.#state.client.chunkEnds()
    }
    if (this.#state.at === "online") this.#holdBackIfBehind(this.#state.client)
  }

  get #readsNow(): boolean {
    const state = this.#state
    if (state.at === "authenticating") return state.exchange.listens
    return state.at === "awaiting-connect" || state.at === "online"
  }

  #frame(frames: FrameReader): void {
    const state = this.#state
    if (state.at === "online") {
      state.client.frame(frames, this.#heardMs)
      return
    }
    const { firstByte, bytes, bodyStart, bodyEnd } = frames
    if (state.at === "authenticating") {
      this.#converse(state.exchange, decodePacket(firstByte, bytes, bodyStart, bodyEnd, 5))
      return
    }
    this.#spoken = namedVersion(firstByte, bytes, bodyStart, bodyEnd)
    this.#connect(decodePacket(firstByte, bytes, bodyStart, bodyEnd, 4))
  }

  // --- from stranger to client ---

  #connect(packet: Packet): void {
    if (packet.type !== "connect") {
      throw new ProtocolError(ReasonCode.protocolError, "the first packet is not CONNECT [MQTT-3.1.0-1]")
    }
    this.#frames.takesPaddedLengths = packet.version !== 5
    this.#state = { at: "welcoming", connect: packet, requester: undefined }
    this.#keeper.introduced(this)
    const welcomed = this.#welcome(packet)
    if (welcomed === undefined) return
    this.#socket.pause()
    welcomed
      .then(() => {
        this.#socket.resume()
        this.#readFrames()
      })
      .catch((error: unknown) => this.#fail(error))
  }

  /**
   * Lets the client in or refuses it: at once where nobody has to be waited for, as with most. Pausing and resuming
   * the socket for each was a tenth of what it cost (bench row connection-storm).
   *
   * @returns what has to be waited for
   */
  #welcome(connect: Connect): Promise<void> | undefined {
    const agreed = welcome(connect, this.door, this.#surroundings, (method, exchange) =>
      this.#authenticate(connect, method, exchange),
    )
    return agreed instanceof Promise
      ? agreed.then((settled) => this.#open(connect, settled))
      : this.#open(connect, agreed)
  }

  async #authenticate(
    connect: Connect,
    method: string,
    exchange: AuthenticationExchange,
  ): Promise<ExchangeOutcome> {
    const authenticating = new Authenticating({
      method,
      exchange,
      maximumPacketBytes: connect.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      ask: (auth) => this.#ask(auth),
    })
    this.#state = { at: "authenticating", connect, exchange: authenticating }
    authenticating.begin(connect.properties.authenticationData)
    const outcome = await authenticating.outcome
    // What is here already was sent before our CONNACK, so it may be DISCONNECT and nothing else [MQTT-3.1.2-30].
    this.#readFrames()
    if (this.#state.at === "authenticating") this.#state = { at: "welcoming", connect, requester: undefined }
    return outcome
  }

  /** The client's turn. */
  #ask(auth: Auth): void {
    this.#sendDirectly(encodePacket(auth, 5))
    this.#socket.resume()
    this.#readFrames()
  }

  /** Takes a packet of a client that is asked who it is. */
  #converse(exchange: Authenticating, packet: Packet): void {
    switch (packet.type) {
      case "auth":
        exchange.auth(packet)
        this.#socket.pause()
        return
      case "disconnect":
        return this.#end(false, undefined, "disconnected by client", true)
      default:
        throw protocolError(`${packet.type} before CONNACK [MQTT-3.1.2-30]`)
    }
  }

  #open(connect: Connect, agreed: Welcome | Refusal): Promise<void> | undefined {
    if (this.#state.at !== "welcoming") return undefined
    if ("reasonCode" in agreed) {
      const { reasonCode, why, username } = agreed
      this.#refuse(reasonCode, describeReasonCode(reasonCode), connect.clientId, why, username)
      return undefined
    }
    const { broker, quotas } = this.#surroundings
    const { clientId, principal: requester } = agreed.terms
    const there = broker.sessions.find(clientId)
    const takesOver = there?.link !== undefined && there.record.username === requester.username
    if (!quotas.enter(requester, takesOver)) {
      const code = ReasonCode.quotaExceeded
      this.#refuse(code, describeReasonCode(code), clientId, "its user has as many connections as it may")
      return undefined
    }
    this.#state = { at: "welcoming", connect, requester }
    return broker.sessions.open({
      clientId,
      username: requester.username,
      cleanStart: agreed.cleanStart,
      expiryIntervalSeconds: agreed.terms.sessionExpiryIntervalSeconds,
      will: agreed.will,
      opened: (session, sessionPresent) => {
        quotas.entered(requester)
        this.#opened(connect, agreed, session, sessionPresent)
      },
      refused: (reasonCode) => {
        quotas.entered(requester)
        this.#refuse(reasonCode, describeReasonCode(reasonCode), connect.clientId)
      },
    })
  }

  #opened(connect: Connect, agreed: Welcome, session: Session, sessionPresent: boolean): void {
    const { broker, counters, limits, users } = this.#surroundings
    if (this.#state.at !== "welcoming") {
      // The client left while its session was being opened.
      broker.sessions.disconnected(session, true, undefined)
      return
    }
    const { terms } = agreed
    const link = new ClientLink(this.#surroundings, this.#socket.output, terms, this)
    link.send(connackFor(connect, agreed, sessionPresent, this.#surroundings))
    const perSecond = this.door.entrance.limits.messagesPerSecond ?? limits.messagesPerSecond
    const rate = perSecond === 0 ? undefined : new Rate(perSecond)
    const client = new OnlineClient(this.#surroundings, session, terms, link, agreed.proof, this, rate)
    this.#state = { at: "online", client }
    this.#frames.maximumBytes = limits.packetBytes
    counters.connectionsAccepted += 1
    counters.clientsConnected += 1
    counters.clientsMaximum = Math.max(counters.clientsMaximum, broker.sessions.size)
    broker.hook.tell({
      kind: "client-connected",
      clientId: terms.clientId,
      username: terms.principal.username,
      address: this.door.remoteAddress,
      version: versionNames[terms.version],
      sessionPresent,
    })
    const { expiresAtMs } = terms.principal.principal
    this.#keeper.comeBy(this, Math.min(this.#heardMs + terms.silenceLimitMs, expiresAtMs))
    session.attach(link)
    users.arrived(client, agreed.accountsEdition)
  }

  // --- ends ---

  /**
   * @param reasonCode undefined: the connection is closed without a word, as to whoever never sent CONNECT
   * @param told what the client is told
   * @param why what the log is told
   */
  #refuse(
    reasonCode: ReasonCode | undefined,
    told: string,
    clientId?: string,
    why = told,
    username?: string,
  ): void {
    if (this.#state.at === "closed") return
    const connect = "connect" in this.#state ? this.#state.connect : undefined
    if (reasonCode !== undefined) this.#sendDirectly(encodeRefusal(reasonCode, told, connect, this.#spoken))
    this.#tellRefusal(
      clientId ?? connect?.clientId ?? "",
      username ?? connect?.username,
      connect !== undefined,
      why,
    )
    this.#end(false, undefined, why)
  }

  #tellRefusal(clientId: string, username: string | undefined, hasAsked: boolean, why: string): void {
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

  /** To whoever has no link yet. */
  #sendDirectly(bytes: Uint8Array): void {
    this.#socket.output.append(bytes)
    this.#surroundings.counters.packetsSent += 1
    this.#surroundings.counters.bytesSent += bytes.length
  }

  /** Tells a version 5 client why [4.13.1], and closes. */
  #part(
    reasonCode: ReasonCode,
    detail = describeReasonCode(reasonCode),
    why = describeReasonCode(reasonCode),
  ): void {
    const state = this.#state
    if (state.at === "online" && state.client.terms.version === 5) {
      const { link } = state.client
      const { serverReference } = this.#surroundings.limits
      const elsewhere = reasonCode === ReasonCode.useAnotherServer && serverReference !== ""
      const properties = { ...link.explained(detail), ...(elsewhere && { serverReference }) }
      link.send({ type: "disconnect", reasonCode, properties })
    }
    this.#end(true, undefined, why)
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
    if (state.at === "authenticating") state.exchange.abandon()
    this.#heldBack?.cancel()
    if (state.at !== "online") return this.#keeper.refused(this)
    const { client } = state
    client.end()
    const { broker, counters, users } = this.#surroundings
    users.left(client, withWill && client.session.record.will !== undefined)
    counters.clientsConnected -= 1
    broker.hook.tell({
      kind: "client-disconnected",
      clientId: client.terms.clientId,
      username: client.terms.principal.username,
      why,
    })
    broker.sessions.disconnected(client.session, withWill, sessionExpiryInterval)
  }

  // --- back-pressure ---

  /** A client that publishes faster than the disk writes, or does not read our answers, is read no further. */
  #holdBackIfBehind({ waitsForStore }: OnlineClient): void {
    const { output } = this.#socket
    if (this.#surroundings.storeIsBehind && waitsForStore) {
      this.#pause()
      this.#awaitStore()
    } else if (!output.writable) {
      this.#pause()
    }
  }

  holdBack(ms: number): void {
    const { clock, counters } = this.#surroundings
    if (this.#state.at !== "online" || this.#heldBack !== undefined) return
    counters.heldBack += 1
    this.#pause()
    this.#heldBack = clock.at(clock.now() + ms, () => {
      this.#heldBack = undefined
      this.writable()
    })
  }

  #pause(): void {
    if (this.#reading === "paused") return
    this.#reading = "paused"
    this.#socket.pause()
  }

  /** Whoever was paused for another reason must wait for the store too, should it be behind by then. */
  #awaitStore(): void {
    if (this.#awaitsStore) return
    this.#awaitsStore = true
    this.#surroundings.whenStoreCaughtUp(() => {
      this.#awaitsStore = false
      this.writable()
    })
  }

  #resume(): void {
    if (this.#reading === "reading" || this.#heldBack !== undefined || this.#state.at !== "online") return
    this.#reading = "reading"
    this.#heardMs = this.#surroundings.clock.now()
    this.#socket.resume()
    this.#readFrames()
  }
}

const versionNames = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as const satisfies Record<ProtocolVersion, string>
