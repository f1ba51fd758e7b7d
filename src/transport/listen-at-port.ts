import { duplicate, release } from "../system/descriptors.ts"
import type { ListenOptions } from "./listen-options.ts"
import { openListener, type PortAddress } from "./open-listener.ts"
import type { Listener, TlsSettings } from "./socket.ts"
import type { TcpHandlers } from "./tcp-socket.ts"
import type { ServerTls } from "./tls-options.ts"

/**
 * Listens at a port for whatever is spoken there.
 *
 * @param handlersOf of the sockets; called once more whenever the certificates are read again
 * @throws ListenError
 */
export function listenAtPort(
  address: PortAddress,
  tls: TlsSettings | undefined,
  options: Pick<ListenOptions, "inherited">,
  handlersOf: (certificates: ServerTls | undefined) => TcpHandlers,
): Listener {
  const inherited = options.inherited?.takePort(address.host, address.port)
  // Bun's types know neither fd nor reusePort, so the objects have names to be taken as they are.
  const listenAt = (place: Place, certificates: ServerTls | undefined) => {
    const plain = { ...place, socket: handlersOf(certificates) }
    if (certificates === undefined) return Bun.listen(plain)
    const shared = { ...plain, tls: { ...certificates }, reusePort: true }
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
