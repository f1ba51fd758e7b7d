import { ListenError, listenErrorFrom, urlOf } from "./listen-error.ts"
import type { ListenAddress, Listener, TlsFiles } from "./socket.ts"
import { readServerTls } from "./tls-options.ts"
import type { ServerTls } from "./tls-options.ts"

export type PortAddress = Exclude<ListenAddress, { readonly scheme: "unix" }>

/** What Bun.listen and Bun.serve have in common. */
interface Server {
  readonly port: number | undefined
  /** Accepts no more; connections live on. */
  stop(): unknown
}

/**
 * Opens what listens at a port, and with certificates makes it reloadable.
 *
 * @param open is given certificates exactly when `tls` is, and must share the port then: neither Bun.listen nor
 *   Bun.serve takes new certificates while it runs, so a reload opens the next server before it stops the last
 * @throws ListenError
 */
export function openListener(
  address: PortAddress,
  tls: TlsFiles | undefined,
  open: (port: number, certificates: ServerTls | undefined) => Server,
): Listener {
  const secure = address.scheme === "tls" || address.scheme === "wss"
  if (secure !== (tls !== undefined)) {
    const why = secure
      ? "it needs a certificate and a key; name both files"
      : "it takes no certificates; leave them out"
    throw new ListenError(`Cannot listen at ${urlOf(address)}: ${why}.`)
  }
  let server = attempt(address, () => {
    const certificates = tls === undefined ? undefined : readServerTls(tls)
    if (tls !== undefined && address.port !== 0) claimPort(address.host, address.port)
    return open(address.port, certificates)
  })
  const bound = { ...address, port: server.port ?? address.port }
  const listener = { url: urlOf(bound), stop: () => void server.stop() }
  if (tls === undefined) return listener
  const reload = () => {
    const next = attempt(bound, () => open(bound.port, readServerTls(tls)))
    server.stop()
    server = next
  }
  return { ...listener, reload }
}

/**
 * Sees that nobody else holds a port. Two programs that both share their ports would not notice each other, and
 * the kernel would deal clients out to one or the other.
 */
function claimPort(hostname: string, port: number): void {
  Bun.listen({ hostname, port, socket: { data() {} } }).stop()
}

function attempt<Result>(address: ListenAddress, open: () => Result): Result {
  try {
    return open()
  } catch (cause) {
    throw listenErrorFrom(cause, address)
  }
}
