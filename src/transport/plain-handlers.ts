import { Deadlines } from "./deadlines.ts"
import type { ListenOptions } from "./listen-options.ts"
import { ProxyHeader } from "./proxy-header.ts"
import type { Accept } from "./socket.ts"
import type { StreamSettings } from "./stream-socket.ts"
import { addressOf, meet, streamHandlers } from "./tcp-socket.ts"
import type { TcpHandlers, TcpSocket } from "./tcp-socket.ts"

/** The handlers of a socket without a handshake; TCP and unix sockets are alike. */
export function plainHandlers(accept: Accept, settings: StreamSettings, options: ListenOptions): TcpHandlers {
  if (options.proxyProtocol === true) return proxyHandlers(accept, settings, options)
  return { ...streamHandlers, open: (socket) => void meet(socket, accept, settings) }
}

/** The owner is met when the header has told whom it is about to talk to. */
function proxyHandlers(accept: Accept, settings: StreamSettings, options: ListenOptions): TcpHandlers {
  const deadlines = new Deadlines(options)
  const headers = new Map<TcpSocket, ProxyHeader>()
  const settle = (socket: TcpSocket) => {
    headers.delete(socket)
    return deadlines.end(socket)
  }
  return {
    ...streamHandlers,
    open: (socket) => {
      deadlines.begin(socket, "PROXY header")
      headers.set(socket, new ProxyHeader())
    },
    data: (socket, chunk) => {
      const header = headers.get(socket)
      if (header === undefined) return socket.data?.received(chunk)
      const read = header.read(chunk)
      if (read.state === "unfinished") return
      if (!settle(socket)) return
      if (read.state === "refused") {
        options.onRefused?.(addressOf(socket), "PROXY header", read.why)
        return socket.terminate()
      }
      const stream = meet(socket, accept, settings, { remoteAddress: read.source })
      if (read.rest.length > 0) stream.received(read.rest)
    },
    close: (socket) => {
      settle(socket)
      socket.data?.closed()
    },
  }
}
