import type { Socket, SocketOwner } from "./socket.ts"
import { StreamSocket } from "./stream-socket.ts"
import type { StreamSettings, Wire } from "./stream-socket.ts"
import type { ClientTls } from "./tls-options.ts"
import { closeCodes, longestOwnPayload } from "./websocket-frames.ts"

/** How often a full connection is looked at: a WebSocket client is not told when it takes again. */
const drainPollMs = 2

/**
 * The client's half of websocket.ts, on Bun's WebSocket.
 *
 * @throws whatever Bun says, or the reason of the deadline
 */
export function connectWebSocket(
  url: string,
  peer: { readonly host: string; readonly port: number },
  tls: ClientTls | undefined,
  owner: SocketOwner,
  settings: StreamSettings,
  deadline: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = new WebSocket(url, {
    protocols: ["mqtt"],
    perMessageDeflate: false,
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  })
  socket.binaryType = "arraybuffer"
  let stream: StreamSocket | undefined
  deadline.addEventListener("abort", () => {
    if (stream !== undefined) return
    reject(deadline.reason)
    socket.terminate()
  })
  socket.addEventListener("open", () => {
    if (socket.protocol !== "mqtt") {
      reject(new Error("the server does not speak MQTT over WebSocket"))
      return socket.terminate()
    }
    const wire = new ClientWire(socket, () => stream?.drained())
    stream = new StreamSocket(wire, peer.host, settings)
    stream.meet(() => owner)
    resolve(stream)
  })
  socket.addEventListener("message", ({ data }) => {
    if (data instanceof ArrayBuffer) stream?.received(new Uint8Array(data))
    else stream?.terminate()
  })
  socket.addEventListener("error", (event) => {
    reject(reasonOf(event))
    stream?.terminate()
  })
  socket.addEventListener("close", (event) => {
    reject(new Error(`the server closed the connection with ${event.code}`))
    stream?.closed()
  })
  return promise
}

/** Bun's error carries the system's code, if there is one; its message repeats the address. */
function reasonOf(event: Event): Error {
  const { error, message } = event as ErrorEvent
  if (error instanceof Error && "code" in error) return error
  return new Error(String(message).replace(/^WebSocket connection to '[^']*' failed: /, ""))
}

class ClientWire implements Wire {
  readonly #socket: WebSocket
  readonly #drained: () => void
  #poll: ReturnType<typeof setTimeout> | undefined

  constructor(socket: WebSocket, drained: () => void) {
    this.#socket = socket
    this.#drained = drained
  }

  write(bytes: Uint8Array<ArrayBuffer>): number {
    const socket = this.#socket
    if (socket.readyState !== WebSocket.OPEN) return -1
    let taken = 0
    while (taken < bytes.length && socket.bufferedAmount === 0) {
      const until = Math.min(taken + longestOwnPayload, bytes.length)
      socket.send(bytes.subarray(taken, until))
      taken = until
    }
    if (taken < bytes.length) this.#watch()
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
    this.#socket.close(closeCodes.normal)
  }

  terminate(): void {
    clearTimeout(this.#poll)
    this.#socket.terminate()
  }

  #watch(): void {
    this.#poll = setTimeout(() => {
      if (this.#socket.readyState !== WebSocket.OPEN) return
      if (this.#socket.bufferedAmount === 0) this.#drained()
      else this.#watch()
    }, drainPollMs)
  }
}
