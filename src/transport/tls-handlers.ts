import type { Deadlines } from "./deadlines.ts"
import { reasons, whyRefused } from "./handshake-refusal.ts"
import type { ListenOptions } from "./listen-options.ts"
import { readPeerCertificate } from "./peer-certificate.ts"
import type { PeerCertificate } from "./socket.ts"
import { addressOf, streamHandlers } from "./tcp-socket.ts"
import type { TcpHandlers, TcpSocket } from "./tcp-socket.ts"
import type { ServerTls } from "./tls-options.ts"

/**
 * The handlers of a socket that speaks TLS.
 *
 * @param deadlines hold a peer from its first packet on; whoever meets it lets it go
 * @param shaken called after the handshake, for whoever has shown the certificate it must have
 */
export function tlsHandlers(
  tls: ServerTls,
  options: ListenOptions,
  deadlines: Deadlines,
  shaken: (socket: TcpSocket, peerCertificate: PeerCertificate | undefined) => void,
): TcpHandlers {
  const refuse = (socket: TcpSocket, why: string | undefined) => {
    deadlines.end(socket)
    if (why !== undefined) options.onRefused?.(addressOf(socket), "TLS handshake", why)
    socket.terminate()
  }
  return {
    ...streamHandlers,
    // Bun gives a silent peer all the time in the world.
    open: (socket) => deadlines.begin(socket, "TLS handshake"),
    handshake: (socket, succeeded, error) => {
      if (!deadlines.holds(socket)) return
      if (!succeeded || !isWelcome(socket, tls)) return refuse(socket, whyRefused(error))
      const peerCertificate = peerCertificateOf(socket, tls)
      // A handshake that goes on with an earlier session does not look at the certificate again.
      const isOver = peerCertificate !== undefined && peerCertificate.validToMs < Date.now()
      if (isOver) return refuse(socket, reasons.CERT_HAS_EXPIRED)
      shaken(socket, peerCertificate)
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
