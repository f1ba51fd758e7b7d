import { Deadlines } from "./deadlines.ts"
import { listenAtPort } from "./listen-at-port.ts"
import { streamSettings } from "./listen-options.ts"
import type { WebSocketListenOptions } from "./listen-options.ts"
import type { Accept, ListenAddress, Listener, PeerCertificate, TlsSettings } from "./socket.ts"
import { StreamSocket } from "./stream-socket.ts"
import type { StreamSettings } from "./stream-socket.ts"
import { addressOf, streamHandlers } from "./tcp-socket.ts"
import type { TcpHandlers, TcpSocket } from "./tcp-socket.ts"
import { tlsHandlers } from "./tls-handlers.ts"
import { refusalAnswer, upgradeAnswer, UpgradeReader } from "./upgrade-request.ts"
import type { UpgradeRefusal, UpgradeRequest } from "./upgrade-request.ts"
import { type FramesEnd, WebSocketFrames } from "./websocket-frames.ts"
import { WebSocketWire } from "./websocket-wire.ts"

/** `mqtt` is the name of [MQTT-6.0.0-4]; clients of MQTT 3.1 said `mqttv3.1`. */
const subprotocols = ["mqtt", "mqttv3.1"]
const defaultPaths = ["/mqtt", "/"]

/**
 * Listens for WebSocket connections that carry MQTT in binary messages [6]. To the owner they are a stream of
 * bytes: where a message ends means nothing [MQTT-6.0.0-2].
 *
 * HTTP and WebSocket are spoken here and not by Bun.serve: that lets nobody count or end connections before their
 * request is whole, so that whoever never ends one could use up all open files; and it gathers each message.
 *
 * @throws ListenError
 */
export function listenWebSocket(
  address: ListenAddress & { readonly scheme: "ws" | "wss" },
  tls: TlsSettings | undefined,
  accept: Accept,
  options: WebSocketListenOptions,
): Listener {
  const door = new WebSocketDoor(accept, options)
  return listenAtPort(address, tls, options, (certificates) => {
    const deadlines = new Deadlines(options)
    if (certificates === undefined) return door.handlers(deadlines)
    const secured = tlsHandlers(certificates, options, deadlines, (socket, certificate) => {
      deadlines.goesOn(socket, "WebSocket upgrade")
      door.opened(socket, certificate)
    })
    return { ...secured, ...door.afterHandshake(deadlines) }
  })
}

/** Of a peer whose request is not whole yet. */
interface Request {
  readonly reader: UpgradeReader
  readonly certificate: PeerCertificate | undefined
}

/** What becomes of the sockets of a listener, from the first byte of their request on. */
class WebSocketDoor {
  readonly #accept: Accept
  readonly #options: WebSocketListenOptions
  readonly #settings: StreamSettings
  readonly #requests = new Map<TcpSocket, Request>()
  readonly #channels = new Map<TcpSocket, Channel>()

  constructor(accept: Accept, options: WebSocketListenOptions) {
    this.#accept = accept
    this.#options = options
    this.#settings = streamSettings(options)
  }

  handlers(deadlines: Deadlines): TcpHandlers {
    return {
      ...streamHandlers,
      open: (socket) => {
        deadlines.begin(socket, "WebSocket upgrade")
        if (deadlines.holds(socket)) this.opened(socket, undefined)
      },
      ...this.afterHandshake(deadlines),
    }
  }

  /** Its request is to come. @param certificate that it has shown */
  opened(socket: TcpSocket, certificate: PeerCertificate | undefined): void {
    this.#requests.set(socket, { reader: new UpgradeReader(), certificate })
  }

  afterHandshake(deadlines: Deadlines) {
    return {
      data: (socket, chunk) => {
        const channel = this.#channels.get(socket)
        if (channel === undefined) this.#greet(socket, chunk, deadlines)
        else channel.received(chunk)
      },
      drain: (socket) => this.#channels.get(socket)?.drained(),
      close: (socket) => {
        deadlines.end(socket)
        this.#requests.delete(socket)
        this.#channels.delete(socket)
        socket.data?.closed()
      },
    } as const satisfies TcpHandlers
  }

  #greet(socket: TcpSocket, chunk: Uint8Array, deadlines: Deadlines): void {
    const request = this.#requests.get(socket)
    if (request === undefined || !deadlines.holds(socket)) return
    const read = request.reader.read(chunk)
    if (read.state === "unfinished") return
    this.#requests.delete(socket)
    deadlines.end(socket)
    if (read.state === "refused") return refuse(socket, read.refusal)
    const judged = this.#judge(read.request)
    if (typeof judged !== "string") return refuse(socket, judged)
    socket.write(upgradeAnswer(read.request.key, judged))
    const channel = new Channel(socket, this.#settings, request.certificate)
    this.#channels.set(socket, channel)
    channel.stream.meet(this.#accept)
    if (read.rest.length > 0) channel.received(read.rest)
  }

  /** @returns the subprotocol, or why there is none */
  #judge({ path, origin, subprotocols: offered }: UpgradeRequest): string | UpgradeRefusal {
    const { paths = defaultPaths, origins } = this.#options
    if (!paths.includes(path)) return { status: 404, why: "There is nothing here." }
    if (origins !== undefined && origin !== undefined && !origins.includes(origin)) {
      return { status: 403, why: "Pages of this origin may not connect." }
    }
    // The standard's name first, wherever in the list it stands.
    const subprotocol = subprotocols.find((name) => offered.includes(name))
    return subprotocol ?? { status: 400, why: "Offer the WebSocket subprotocol mqtt." }
  }
}

function refuse(socket: TcpSocket, refusal: UpgradeRefusal): void {
  socket.write(refusalAnswer(refusal))
  socket.end()
}

/** One WebSocket: frames on the one side, a stream of bytes on the other. */
class Channel {
  readonly stream: StreamSocket
  readonly #wire: WebSocketWire
  readonly #frames: WebSocketFrames

  constructor(socket: TcpSocket, settings: StreamSettings, certificate: PeerCertificate | undefined) {
    this.#wire = new WebSocketWire(socket)
    this.stream = new StreamSocket(this.#wire, addressOf(socket), settings, certificate)
    this.#frames = new WebSocketFrames((ping) => this.#wire.answer(ping))
    socket.data = this.stream
  }

  /** Hot. */
  received(chunk: Uint8Array): void {
    const length = this.#frames.read(chunk)
    if (this.#wire.owesPong) this.#wire.relieve()
    if (length > 0) this.stream.received(chunk.subarray(0, length))
    if (this.#frames.end !== undefined) this.#end(this.#frames.end)
  }

  drained(): void {
    if (this.#wire.relieve()) this.stream.drained()
  }

  #end({ by, code }: FramesEnd): void {
    if (this.#wire.hasSaidClose) return by === "close" ? this.#wire.end() : undefined
    this.#wire.closeCode = code
    this.stream.output.flush()
    // Whoever does not read cannot be told, and is not waited for.
    if (this.stream.output.size > 0) return this.stream.terminate()
    if (by === "fault") return this.stream.end()
    this.#wire.shutdown()
    this.#wire.end()
  }
}
