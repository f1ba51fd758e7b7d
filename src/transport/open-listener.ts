import { statSync } from "node:fs"
import { ListenError, listenErrorFrom, urlOf } from "./listen-error.ts"
import type { ListenAddress, Listener, PreparedReload, TlsSettings } from "./socket.ts"
import { codeOf } from "./system-error.ts"
import { readServerTls, validUntilMs } from "./tls-options.ts"
import type { ServerTls } from "./tls-options.ts"

export type PortAddress = Exclude<ListenAddress, { readonly scheme: "unix" }>

/** What Bun.listen gives back. */
interface Server {
  /** Unknown of a socket that was opened elsewhere. */
  readonly port: number | undefined
  /** Accepts no more; connections live on. */
  stop(): unknown
}

/**
 * Opens what listens at a port, and with certificates makes it reloadable.
 *
 * @param open is given certificates exactly when `tls` is, and must share the port then: Bun.listen
 *   takes no new certificates while it runs, so a reload opens the next server before it stops the one before
 * @param isHeld the port is ours already, by a socket that was opened for us
 * @throws ListenError
 */
export function openListener<Opened extends Server>(
  address: PortAddress,
  tls: TlsSettings | undefined,
  open: (port: number, certificates: ServerTls | undefined, before: Opened | undefined) => Opened,
  isHeld = false,
): Listener {
  const secure = address.scheme === "tls" || address.scheme === "wss"
  if (secure !== (tls !== undefined)) {
    const why = secure
      ? "it needs a certificate and a key; name both files"
      : "it takes no certificates; leave them out"
    throw new ListenError(`Cannot listen at ${urlOf(address)}: ${why}.`)
  }
  if (tls === undefined) {
    const server = attempt(address, () => open(address.port, undefined, undefined))
    return { url: urlOf({ ...address, port: server.port ?? address.port }), stop: () => void server.stop() }
  }
  return new SecureListener(address, tls, open, isHeld)
}

/** A listener whose certificates can be another's tomorrow. */
class SecureListener<Opened extends Server> implements Listener {
  readonly url: string
  readonly #address: PortAddress
  readonly #tls: TlsSettings
  readonly #open: (port: number, certificates: ServerTls, before: Opened | undefined) => Opened
  #server: Opened
  #certificates: ServerTls
  /** Of the files as they were before they were last read: what changes meanwhile is read once more. */
  #stamp: string

  constructor(
    address: PortAddress,
    tls: TlsSettings,
    open: (port: number, certificates: ServerTls, before: Opened | undefined) => Opened,
    isHeld: boolean,
  ) {
    this.#tls = tls
    this.#open = open
    this.#stamp = stampOf(tls)
    const { certificates, server } = attempt(address, () => {
      const read = readServerTls(tls)
      if (address.port !== 0 && !isHeld) claimPort(address.host, address.port)
      return { certificates: read, server: open(address.port, read, undefined) }
    })
    this.#certificates = certificates
    this.#server = server
    this.#address = { ...address, port: server.port ?? address.port }
    this.url = urlOf(this.#address)
  }

  get certificate(): { readonly file: string; readonly validToMs: number } {
    return { file: this.#tls.certFile, validToMs: validUntilMs(this.#certificates) }
  }

  get clientTrust(): Listener["clientTrust"] {
    const { ca, crl } = this.#certificates
    return ca === undefined ? undefined : { authorities: ca, revoked: crl }
  }

  stop(): void {
    this.#server.stop()
  }

  reload(): void {
    this.prepareReload().take()
  }

  prepareReload(): PreparedReload {
    const before = this.#stamp
    this.#stamp = stampOf(this.#tls)
    const { certificates, server } = attempt(this.#address, () => {
      const read = readServerTls(this.#tls)
      return { certificates: read, server: this.#open(this.#address.port, read, this.#server) }
    })
    return {
      take: () => {
        this.#server.stop()
        this.#server = server
        this.#certificates = certificates
      },
      drop: () => {
        server.stop()
        this.#stamp = before
      },
    }
  }

  reloadIfChanged(): boolean {
    if (stampOf(this.#tls) === this.#stamp) return false
    this.reload()
    return true
  }
}

/**
 * Another text when a file is another one: written in place, renamed over, or reached through a link that was set to
 * another folder, as those do who renew certificates.
 */
function stampOf({ certFile, keyFile, caFile, crlFile }: TlsSettings): string {
  return [certFile, keyFile, caFile, crlFile]
    .map((file) => (file === undefined ? "" : stampOfFile(file)))
    .join()
}

function stampOfFile(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ")
  } catch (error) {
    // It is not there, or not to be reached: that is a state as well, and reading it will say what is wrong.
    return codeOf(error)
  }
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
