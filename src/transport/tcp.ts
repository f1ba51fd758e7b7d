import { duplicate, release } from "../system/descriptors.ts"
import { Deadlines } from "./deadlines.ts"
import { reasons, whyRefused } from "./handshake-refusal.ts"
import { streamSettings } from "./listen-options.ts"
import type { ListenOptions } from "./listen-options.ts"
import { openListener } from "./open-listener.ts"
import { readPeerCertificate } from "./peer-certificate.ts"
import { plainHandlers } from "./plain-handlers.ts"
import type { Accept, ListenAddress, Listener, PeerCertificate, TlsSettings } from "./socket.ts"
import type { StreamSettings } from "./stream-socket.ts"
import { addressOf, meet, streamHandlers } from "./tcp-socket.ts"
import type { TcpHandlers, TcpSocket } from "./tcp-socket.ts"
import type { ServerTls } from "./tls-options.ts"

/**
 * Listens for TCP, or for TLS when certificates are given. The owner is met when there is something to talk to:
 * after the handshake, and after the client has shown the certificate it must have.
 *
 * @throws ListenError
 */
export function listenTcp(
  address: ListenAddress & { readonly scheme: "tcp" | "tls" },
  tls: TlsSettings | undefined,
  accept: Accept,
  options: ListenOptions,
): Listener {
  const settings = streamSettings(options)
  const inherited = options.inherited?.takePort(address.host, address.port)
  // Bun's types know neither fd nor reusePort, so the objects have names to be taken as they are.
  const listenAt = (place: Place, certificates: ServerTls | undefined) => {
    if (certificates === undefined) {
      const plain = { ...place, socket: plainHandlers(accept, settings, options) }
      return Bun.listen(plain)
    }
    const socket = tlsHandlers(accept, { ...settings, waitsForPeer: true }, certificates, options)
    const shared = { ...place, tls: { ...certificates }, reusePort: true, socket }
    return Bun.listen(shared)
  }
  const open = (port: number, certificates: ServerTls | undefined, before: ServerSocket | undefined) => {
    const place = { hostname: address.host, port }
    if (before === undefined) return listenAt({ ...place, fd: inherited?.descriptor }, certificates)
    // The same socket once more: who waits in its queue is accepted by whoever comes next. Two that only share their port
    // have a queue each, and what waits in the first would be reset with it.
    const fd = before.fd === undefined ? undefined : duplicate(before.fd)
    try {
      return listenAt({ ...place, fd }, certificates)
    } catch (cause) {
      if (fd !== undefined) release(fd)
      throw cause
    }
  }
  return openListener(address, tls, open, inherited !== undefined)
}

interface Place {
  readonly hostname: string
  readonly port: number
  /** An open socket that listens there already. */
  readonly fd: number | undefined
}

/** What has a descriptor, though Bun's types do not know it. */
interface ServerSocket {
  readonly port: number | undefined
  readonly fd?: number
  stop(): unknown
}

function tlsHandlers(
  accept: Accept,
  settings: StreamSettings,
  tls: ServerTls,
  options: ListenOptions,
): TcpHandlers {
  const deadlines = new Deadlines(options)
  const refuse = (socket: TcpSocket, why: string | undefined) => {
    if (why !== undefined) options.onRefused?.(addressOf(socket), "TLS handshake", why)
    socket.terminate()
  }
  return {
    ...streamHandlers,
    // Bun gives a silent peer all the time in the world.
    open: (socket) => deadlines.begin(socket, "TLS handshake"),
    handshake: (socket, succeeded, error) => {
      if (!deadlines.end(socket)) return
      if (!succeeded || !isWelcome(socket, tls)) return refuse(socket, whyRefused(error))
      const peerCertificate = peerCertificateOf(socket, tls)
      // A handshake that goes on with an earlier session does not look at the certificate again.
      const isOver = peerCertificate !== undefined && peerCertificate.validToMs < Date.now()
      if (isOver) return refuse(socket, reasons.CERT_HAS_EXPIRED)
      meet(socket, accept, settings, { peerCertificate })
    },
    close: (socket) => {
      deadlines.end(socket)
      socket.data?.closed()
    },
  }
}

/** A handshake succeeds with an untrusted certificate too, and only `authorized` tells. */
function isWelcome(socket: TcpSocket, tls: ServerTls): boolean {
  if (!tls.requestCert || socket.authorized) return true
  return !tls.rejectUnauthorized && socket.getPeerX509Certificate() === undefined
}

function peerCertificateOf(socket: TcpSocket, tls: ServerTls): PeerCertificate | undefined {
  if (!tls.requestCert || !socket.authorized) return undefined
  const shown = socket.getPeerX509Certificate()
  return shown === undefined ? undefined : readPeerCertificate(shown)
}
