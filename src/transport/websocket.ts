import { defaultHandshakeTimeoutMs, streamSettings } from "./listen-options.ts"
import { ListenError, urlOf } from "./listen-error.ts"
import type { WebSocketListenOptions } from "./listen-options.ts"
import { openListener } from "./open-listener.ts"
import type { Accept, ListenAddress, Listener, TlsSettings } from "./socket.ts"
import { StreamSocket, plainAddress } from "./stream-socket.ts"
import type { StreamSettings, Wire } from "./stream-socket.ts"

/** What an upgrade tells the socket that comes of it. */
interface Upgraded {
  readonly remoteAddress: string
  stream: StreamSocket | undefined
}
type ServerSocket = Bun.ServerWebSocket<Upgraded>

/** `mqtt` is the name of [MQTT-6.0.0-4]; clients of MQTT 3.1 said `mqttv3.1`. */
const subprotocols = ["mqtt", "mqttv3.1"]
const defaultPaths = ["/mqtt", "/"]
const defaultMaximumMessageBytes = 16 * 1024 * 1024

/** Close codes of RFC 6455, section 7.4.1. */
export const normalClosure = 1000
const unsupportedData = 1003

/** The longest WebSocket message that we send; a longer stretch of the stream makes several. */
export const messageBytes = 64 * 1024

/**
 * Listens for WebSocket connections that carry MQTT in binary messages [6]. To the owner they are a stream of
 * bytes: where a message ends means nothing [MQTT-6.0.0-2].
 *
 * Bun keeps the certificate that a client shows to itself: it can be required, and nothing learned from it.
 *
 * @throws ListenError
 */
export function listenWebSocket(
  address: ListenAddress & { readonly scheme: "ws" | "wss" },
  tls: TlsSettings | undefined,
  accept: Accept,
  options: WebSocketListenOptions,
): Listener {
  const websocket = socketHandlers(accept, streamSettings(options), options)
  const fetch = upgrader(options)
  const timeoutMs = options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs
  if (options.inherited?.takePort(address.host, address.port) !== undefined) {
    // Bun.serve would take no notice of the socket, and listen at port 3000.
    const why =
      "WebSocket cannot be served at a socket that was opened elsewhere; take it out of the socket unit"
    throw new ListenError(`Cannot listen at ${urlOf(address)}: ${why}.`)
  }
  return openListener(address, tls, (port, certificates) =>
    Bun.serve<Upgraded>({
      hostname: address.host,
      port,
      reusePort: certificates !== undefined,
      ...(certificates === undefined ? {} : { tls: { ...certificates } }),
      development: false,
      // Bounds handshake and request. Bun counts in whole seconds, up to 255, and takes a few more.
      idleTimeout: Math.min(255, Math.ceil(timeoutMs / 1000)),
      fetch,
      error: (error) => {
        options.onBug(error)
        return refusal(500, "This is a mistake of the server.")
      },
      websocket,
    }),
  )
}

/** Answers each request: an upgrade, or why there is none. */
function upgrader(options: WebSocketListenOptions) {
  const paths = options.paths ?? defaultPaths
  const { origins } = options
  return (request: Request, server: Bun.Server<Upgraded>): Response | undefined => {
    if (!paths.includes(new URL(request.url).pathname)) return refusal(404, "There is nothing here.")
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return refusal(426, "Only MQTT over WebSocket is spoken here.", { Upgrade: "websocket" })
    }
    const origin = request.headers.get("origin")
    if (origins !== undefined && origin !== null && !origins.includes(origin)) {
      return refusal(403, "Pages of this origin may not connect.")
    }
    const subprotocol = subprotocolOf(request)
    if (subprotocol === undefined) return refusal(400, "Offer the WebSocket subprotocol mqtt.")
    const peer = server.requestIP(request)
    const data: Upgraded = { remoteAddress: plainAddress(peer?.address ?? ""), stream: undefined }
    const headers = { "Sec-WebSocket-Protocol": subprotocol }
    return server.upgrade(request, { headers, data })
      ? undefined
      : refusal(400, "This is no WebSocket upgrade.")
  }
}

/** What we speak and the client offers; the standard's name first, wherever in the list it stands. */
function subprotocolOf(request: Request): string | undefined {
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim())
  return subprotocols.find((name) => offered.includes(name))
}

function refusal(status: number, why: string, headers: Record<string, string> = {}): Response {
  return new Response(`${why}\n`, { status, headers: { ...headers, "Content-Type": "text/plain" } })
}

function socketHandlers(
  accept: Accept,
  settings: StreamSettings,
  options: WebSocketListenOptions,
): Bun.WebSocketHandler<Upgraded> {
  return {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    maxPayloadLength: options.maximumMessageBytes ?? defaultMaximumMessageBytes,
    // Above a limit Bun would drop messages. There is none, and ServerWire sees that little gathers.
    backpressureLimit: 0,
    open: (socket) => {
      socket.binaryType = "uint8array"
      const stream = new StreamSocket(new ServerWire(socket), socket.data.remoteAddress, settings)
      socket.data.stream = stream
      stream.meet(accept)
    },
    message: (socket, message) => {
      // MQTT is sent in binary messages only [MQTT-6.0.0-1].
      if (typeof message === "string") socket.close(unsupportedData, "MQTT is binary")
      else socket.data.stream?.received(message)
    },
    drain: (socket) => socket.data.stream?.drained(),
    close: (socket) => socket.data.stream?.closed(),
  }
}

class ServerWire implements Wire {
  readonly #socket: ServerSocket

  constructor(socket: ServerSocket) {
    this.#socket = socket
  }

  /** Hot. Bun takes whatever it is given; what it has not yet sent means that the kernel is full. */
  write(bytes: Uint8Array): number {
    const socket = this.#socket
    let taken = 0
    while (taken < bytes.length && socket.getBufferedAmount() === 0) {
      const until = Math.min(taken + messageBytes, bytes.length)
      socket.sendBinary(taken === 0 && until === bytes.length ? bytes : bytes.subarray(taken, until))
      taken = until
    }
    return taken
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Has no halves. */
  shutdown(): void {
    this.close()
  }

  close(): void {
    this.#socket.close(normalClosure)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
