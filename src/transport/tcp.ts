import { defaultHandshakeTimeoutMs, streamSettings } from "./listen-options.ts"
import type { ListenOptions } from "./listen-options.ts"
import { openListener } from "./open-listener.ts"
import type { Accept, ListenAddress, Listener, TlsFiles } from "./socket.ts"
import { StreamSocket, plainAddress } from "./stream-socket.ts"
import type { StreamSettings } from "./stream-socket.ts"
import type { ServerTls } from "./tls-options.ts"

/** A socket of Bun's, before it has met its owner and after. */
export type TcpSocket = Bun.Socket<StreamSocket | undefined>
type Handlers = Bun.SocketHandler<StreamSocket | undefined>

/**
 * Listens for TCP, or for TLS when certificates are given. The owner is met when there is something to talk to:
 * after the handshake, and after the client has shown the certificate it must have.
 *
 * @throws ListenError
 */
export function listenTcp(
  address: ListenAddress & { readonly scheme: "tcp" | "tls" },
  tls: TlsFiles | undefined,
  accept: Accept,
  options: ListenOptions,
): Listener {
  const settings = streamSettings(options)
  const timeoutMs = options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs
  return openListener(address, tls, (port, certificates) => {
    const hostname = address.host
    if (certificates === undefined) {
      return Bun.listen({ hostname, port, socket: plainHandlers(accept, settings) })
    }
    const socket = tlsHandlers(accept, { ...settings, waitsForPeer: true }, certificates, timeoutMs)
    // Bun's types do not know reusePort, so the object has a name to be taken as it is.
    const shared = { hostname, port, tls: { ...certificates }, reusePort: true, socket }
    return Bun.listen(shared)
  })
}

/** The handlers of a socket without a handshake; TCP and unix sockets are alike. */
export function plainHandlers(accept: Accept, settings: StreamSettings): Handlers {
  return { ...streamHandlers, open: (socket) => void meet(socket, accept, settings) }
}

/**
 * What every socket does once it has met its owner. Synchronous all: a rejection would reach no one. When the peer
 * closes its half, Bun closes ours: it reads that a turn after the last bytes, so the answers to them have left.
 */
export const streamHandlers = {
  binaryType: "uint8array",
  data: (socket, chunk) => socket.data?.received(chunk),
  drain: (socket) => socket.data?.drained(),
  close: (socket) => socket.data?.closed(),
  error: (socket, error) => (socket.data === undefined ? socket.terminate() : socket.data.erred(error)),
} as const satisfies Handlers

function tlsHandlers(
  accept: Accept,
  settings: StreamSettings,
  certificates: ServerTls,
  timeoutMs: number,
): Handlers {
  const deadlines = new Map<TcpSocket, ReturnType<typeof setTimeout>>()
  const settle = (socket: TcpSocket) => {
    clearTimeout(deadlines.get(socket))
    return deadlines.delete(socket)
  }
  return {
    ...streamHandlers,
    open: (socket) => {
      // Bun gives a silent peer all the time in the world.
      deadlines.set(
        socket,
        setTimeout(() => socket.terminate(), timeoutMs),
      )
    },
    handshake: (socket, succeeded) => {
      if (!settle(socket)) return
      if (succeeded && isWelcome(socket, certificates)) meet(socket, accept, settings)
      else socket.terminate()
    },
    close: (socket) => {
      settle(socket)
      socket.data?.closed()
    },
  }
}

/** A handshake succeeds with an untrusted certificate too, and only `authorized` tells. */
function isWelcome(socket: TcpSocket, certificates: ServerTls): boolean {
  if (!certificates.requestCert || socket.authorized) return true
  return !certificates.rejectUnauthorized && !hasPeerCertificate(socket)
}

function hasPeerCertificate(socket: TcpSocket): boolean {
  const shown: unknown = socket.getPeerCertificate()
  return typeof shown === "object" && shown !== null && Object.keys(shown).length > 0
}

/** Gives a socket that is ready for use its owner. */
export function meet(socket: TcpSocket, accept: Accept, settings: StreamSettings): StreamSocket {
  // A unix socket's peer has no address.
  const address: string | undefined = socket.remoteAddress
  const stream = new StreamSocket(socket, address === undefined ? "unix" : plainAddress(address), settings)
  socket.data = stream
  stream.meet(accept)
  return stream
}
