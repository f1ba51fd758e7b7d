import { unreachable } from "../foundation/assert.ts"
import { systemClock, type Clock, type Timer } from "../foundation/clock.ts"
import { decodePacket } from "../protocol/decoder.ts"
import { FrameReader } from "../protocol/frame-reader.ts"
import type { Auth, Connack, Packet, PacketId, Publish, SubscribeRequest } from "../protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../protocol/properties.ts"
import { ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { isError, ReasonCode } from "../protocol/reason-code.ts"
import { connect, type ConnectTarget } from "../transport/connect.ts"
import type { Socket, SocketOwner } from "../transport/socket.ts"
import { type ClientEnd, ConnectionEnded } from "./client-end.ts"
import { announcedProperties, type ClientOptions, connectPacket, receiverTerms } from "./client-options.ts"
import { KeepAlive } from "./keep-alive.ts"
import { PacketIds } from "./packet-ids.ts"
import { PacketLink } from "./packet-link.ts"
import { Receiver } from "./receiver.ts"
import { Requests, type RequestAnswer } from "./requests.ts"
import { type PublishAnswer, type PublishRequest, Sender } from "./sender.ts"
import { serverTerms, type ServerTerms } from "./server-terms.ts"

/** Longest packet the protocol knows [2.1.4]: 268,435,455 bytes behind five of fixed header. */
const longestPacketBytes = 268_435_460

type State =
  | { readonly at: "unconnected" }
  | { readonly at: "connecting"; readonly link: PacketLink; readonly deadline: Timer }
  | {
      readonly at: "online"
      readonly link: PacketLink
      readonly sender: Sender
      readonly receiver: Receiver
      readonly keepAlive: KeepAlive
    }
  /** Nothing is read any more; what was written still leaves. */
  | { readonly at: "closing"; readonly link: PacketLink; readonly end: ClientEnd }
  | { readonly at: "closed"; readonly end: ClientEnd }

/**
 * Opens a Network Connection and an MQTT connection on it.
 *
 * @throws Error of one sentence when nobody can be reached there
 * @throws ConnectionEnded when the server refuses or does not answer
 */
export async function connectClient(target: ConnectTarget, options: ClientOptions): Promise<Client> {
  const client = new Client(options)
  await client.start(await connect(target, client.socketOwner))
  return client
}

/**
 * One MQTT connection, seen from the client. It ends once and does not reconnect. What would outlive the connection
 * is kept apart from it, in `Sender` and `Receiver`.
 */
export class Client {
  /** Whoever opens the socket gives it this owner. */
  readonly socketOwner: SocketOwner = {
    received: (chunk) => this.#received(chunk),
    writable: () => this.#wake(),
    closed: () => this.#closed(),
  }
  /** Why it was over, once it is. Never rejected. */
  readonly ended: Promise<ClientEnd>

  readonly #options: ClientOptions
  readonly #clock: Clock
  readonly #frames: FrameReader
  readonly #ids = new PacketIds()
  readonly #requests = new Requests(this.#ids)
  readonly #connack = Promise.withResolvers<Connack>()
  readonly #end = Promise.withResolvers<ClientEnd>()
  /** Present while somebody waits for it. */
  #becameWritable: PromiseWithResolvers<void> | undefined
  #state: State = { at: "unconnected" }
  #clientId: string

  constructor(options: ClientOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#clientId = options.clientId
    this.ended = this.#end.promise
    this.#frames = new FrameReader(announcedProperties(options).maximumPacketSize ?? longestPacketBytes)
    // Whoever calls `start` sees it rejected; but a socket may close before anybody does.
    this.#connack.promise.catch(() => {})
  }

  /** Our own, or the one that the server assigned [3.2.2.3.7]. */
  get clientId(): string {
    return this.#clientId
  }

  /**
   * Sends the CONNECT on a fresh socket whose owner is `socketOwner`.
   *
   * @throws ConnectionEnded when the server refuses, closes or does not answer in time
   */
  start(socket: Socket): Promise<Connack> {
    if (this.#state.at !== "unconnected") throw new Error("a client connects only once")
    const deadlineMs = this.#clock.now() + (this.#options.connectTimeoutMs ?? 30_000)
    const deadline = this.#clock.at(deadlineMs, () => this.#abort({ why: "timeout" }))
    const { version, onPacket } = this.#options
    const link = new PacketLink(socket, version, onPacket && ((packet) => onPacket("sending", packet)))
    this.#state = { at: "connecting", link, deadline }
    link.send(connectPacket(this.#options))
    return this.#connack.promise
  }

  /** Whether a message published now would leave at once. */
  get writable(): boolean {
    return this.#state.at === "online" && this.#state.sender.ready
  }

  /**
   * Resolves when `writable` is true: what a fast publisher awaits between messages.
   *
   * @throws ConnectionEnded
   */
  async whenWritable(): Promise<void> {
    while (!this.writable) {
      if (this.#state.at !== "online") throw this.#notOnline()
      this.#becameWritable ??= Promise.withResolvers<void>()
      await this.#becameWritable.promise
    }
  }

  /**
   * Publishes after what was published before. The answer is there when the server has acknowledged; at QoS 0, when
   * the socket has the bytes. What the server said it will not take is not sent, and answered with that reason code.
   *
   * @throws ConnectionEnded when the connection ends before the answer
   */
  publish(request: PublishRequest): Promise<PublishAnswer> {
    const state = this.#state
    return state.at === "online" ? state.sender.publish(request) : Promise.reject(this.#notOnline())
  }

  /**
   * @returns a reason code for each request, in order
   * @throws ConnectionEnded when the connection ends before the answer
   */
  subscribe(
    requests: readonly SubscribeRequest[],
    properties: PropertiesOf<"subscribe"> = noProperties,
  ): Promise<RequestAnswer> {
    return this.#request((packetId) => ({ type: "subscribe", packetId, requests, properties }))
  }

  /**
   * @returns a reason code for each filter, in order; before MQTT 5.0 always success
   * @throws ConnectionEnded when the connection ends before the answer
   */
  unsubscribe(
    filters: readonly string[],
    properties: PropertiesOf<"unsubscribe"> = noProperties,
  ): Promise<RequestAnswer> {
    return this.#request((packetId) => ({ type: "unsubscribe", packetId, filters, properties }))
  }

  /** Answers a message at QoS 1 or 2, once; for `acknowledge: "manual"`. An error code refuses it [3.4.2.1]. */
  acknowledge(publish: Publish, reasonCode: ReasonCode = ReasonCode.success): void {
    if (this.#state.at === "online") this.#state.receiver.acknowledge(publish, reasonCode)
  }

  /** Reads no more from the network until `resume`: the server feels it. Acknowledgements rest as well. */
  pause(): void {
    if (this.#state.at !== "online") return
    this.#state.keepAlive.deaf = true
    this.#state.link.socket.pause()
  }

  resume(): void {
    if (this.#state.at !== "online") return
    this.#state.keepAlive.deaf = false
    this.#state.link.socket.resume()
  }

  /**
   * Says goodbye after what was sent before. What is not answered by then, or waits for its turn, is given up:
   * await the publishes first.
   */
  disconnect(
    reasonCode: ReasonCode = ReasonCode.normalDisconnection,
    properties: PropertiesOf<"disconnect"> = noProperties,
  ): Promise<ClientEnd> {
    if (this.#state.at === "online") {
      this.#state.link.send({ type: "disconnect", reasonCode, properties })
      this.#close({ why: "disconnected" })
    } else if (this.#state.at === "connecting") {
      this.#abort({ why: "disconnected" })
    }
    return this.ended
  }

  /** Cuts the connection without a DISCONNECT: the server publishes our will. */
  terminate(): void {
    this.#abort({ why: "disconnected" })
  }

  #request(
    packetOf: (packetId: PacketId) => Packet & { readonly type: "subscribe" | "unsubscribe" },
  ): Promise<RequestAnswer> {
    const state = this.#state
    if (state.at !== "online") return Promise.reject(this.#notOnline())
    const packet = packetOf(this.#ids.take())
    const answer = this.#requests.begin(packet)
    state.link.send(packet)
    return answer
  }

  #received(chunk: Uint8Array): void {
    try {
      this.#frames.append(chunk)
      while ((this.#state.at === "connecting" || this.#state.at === "online") && this.#frames.next()) {
        const { firstByte, bytes, bodyStart, bodyEnd } = this.#frames
        const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, this.#options.version)
        this.#options.onPacket?.("received", packet)
        if (this.#state.at === "connecting") this.#meet(this.#state.link, packet)
        else this.#converse(this.#state, packet)
      }
    } catch (error) {
      if (error instanceof ProtocolError) this.#protest(error)
      else this.#abort({ why: "failed", error })
    }
  }

  /** Nothing but CONNACK, or AUTH before it, may come first [3.1.4, 4.12]. */
  #meet(link: PacketLink, packet: Packet): void {
    if (packet.type === "auth") return this.#challenge(link, packet)
    if (packet.type !== "connack") throw unexpected(packet)
    const { reasonCode, properties, sessionPresent } = packet
    if (isError(reasonCode)) {
      return this.#close({ why: "refused", reasonCode, detail: properties.reasonString })
    }
    if (sessionPresent && (this.#options.cleanStart ?? true)) {
      throw protocolError("a session is present after a clean start [MQTT-3.2.2-2]")
    }
    this.#goOnline(link, serverTerms(packet, connectPacket(this.#options).keepAliveSeconds))
    this.#clientId = properties.assignedClientIdentifier ?? this.#clientId
    this.#connack.resolve(packet)
  }

  #goOnline(link: PacketLink, terms: ServerTerms): void {
    if (this.#state.at === "connecting") this.#state.deadline.cancel()
    const { maximumInFlight = 1_000, maximumWaiting = 65_535 } = this.#options
    const limits = { inFlight: maximumInFlight, waiting: maximumWaiting }
    this.#state = {
      at: "online",
      link,
      sender: new Sender(link, this.#ids, terms, limits),
      receiver: new Receiver(link, receiverTerms(this.#options)),
      keepAlive: new KeepAlive(this.#clock, terms.keepAliveSeconds, link, () =>
        this.#abort({ why: "timeout" }),
      ),
    }
  }

  /** Hot. */
  #converse({ link, sender, receiver, keepAlive }: State & { at: "online" }, packet: Packet): void {
    keepAlive.heard = true
    switch (packet.type) {
      case "publish":
        return receiver.publish(packet)
      case "pubrel":
        return receiver.pubrel(packet)
      case "puback":
        sender.puback(packet)
        return this.#wake()
      case "pubrec":
        sender.pubrec(packet)
        return this.#wake()
      case "pubcomp":
        sender.pubcomp(packet)
        return this.#wake()
      case "suback":
      case "unsuback":
        return this.#requests.answer(packet)
      case "pingresp":
        return
      case "disconnect": {
        const { reasonCode, properties } = packet
        return this.#close({ why: "server-disconnect", reasonCode, detail: properties.reasonString })
      }
      case "auth":
        return this.#challenge(link, packet)
      case "connect":
      case "connack":
      case "subscribe":
      case "unsubscribe":
      case "pingreq":
        throw unexpected(packet)
      default:
        return unreachable(packet)
    }
  }

  #challenge(link: PacketLink, { properties }: Auth): void {
    const { onChallenge } = this.#options
    if (onChallenge === undefined) throw protocolError("AUTH, which we did not ask for")
    const answer = {
      authenticationMethod: properties.authenticationMethod ?? "",
      authenticationData: onChallenge(properties.authenticationData),
    }
    link.send({ type: "auth", reasonCode: ReasonCode.continueAuthentication, properties: answer })
  }

  #wake(): void {
    if (this.#state.at !== "online") return
    this.#state.sender.pump()
    if (this.#becameWritable === undefined || !this.writable) return
    this.#becameWritable.resolve()
    this.#becameWritable = undefined
  }

  /** The server broke the protocol: tell it why, if its version has a word for that [4.13.1]. */
  #protest({ reasonCode, message }: ProtocolError): void {
    const state = this.#state
    if (state.at !== "connecting" && state.at !== "online") return
    if (state.at === "online" && this.#options.version === 5) {
      state.link.send({ type: "disconnect", reasonCode, properties: noProperties })
    }
    this.#close({ why: "protocol-error", reasonCode, detail: message })
  }

  #close(end: ClientEnd): void {
    this.#leave(end)?.end()
  }

  #abort(end: ClientEnd): void {
    const socket = this.#leave(end) ?? (this.#state.at === "closing" ? this.#state.link.socket : undefined)
    socket?.terminate()
  }

  /** @returns the socket, unless we had left it before */
  #leave(end: ClientEnd): Socket | undefined {
    const state = this.#state
    if (state.at !== "connecting" && state.at !== "online") return undefined
    const error = new ConnectionEnded(end)
    this.#state = { at: "closing", link: state.link, end }
    if (state.at === "connecting") state.deadline.cancel()
    else {
      state.keepAlive.stop()
      state.sender.abandon(error)
    }
    this.#requests.abandon(error)
    this.#connack.reject(error)
    this.#becameWritable?.reject(error)
    return state.link.socket
  }

  #closed(): void {
    this.#leave({ why: "lost" })
    const end: ClientEnd = this.#state.at === "closing" ? this.#state.end : { why: "lost" }
    this.#state = { at: "closed", end }
    this.#end.resolve(end)
  }

  #notOnline(): ConnectionEnded {
    const state = this.#state
    if (state.at !== "closing" && state.at !== "closed") throw new Error("the client is not connected yet")
    return new ConnectionEnded(state.end)
  }
}

function unexpected(packet: Packet): ProtocolError {
  return protocolError(`${packet.type.toUpperCase()} at the wrong time`)
}
