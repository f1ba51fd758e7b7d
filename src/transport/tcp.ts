import { Deadlines } from "./deadlines.ts"
import { listenAtPort } from "./listen-at-port.ts"
import { streamSettings } from "./listen-options.ts"
import type { ListenOptions } from "./listen-options.ts"
import { plainHandlers } from "./plain-handlers.ts"
import type { Accept, ListenAddress, Listener, TlsSettings } from "./socket.ts"
import { meet } from "./tcp-socket.ts"
import { tlsHandlers } from "./tls-handlers.ts"

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
  return listenAtPort(address, tls, options, (certificates) => {
    if (certificates === undefined) return plainHandlers(accept, settings, options)
    const deadlines = new Deadlines(options)
    const patient = { ...settings, waitsForPeer: true }
    return tlsHandlers(certificates, options, deadlines, (shaken, peerCertificate) => {
      deadlines.end(shaken)
      meet(shaken, accept, patient, { peerCertificate })
    })
  })
}
