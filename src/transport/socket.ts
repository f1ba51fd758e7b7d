import type { CertificateSpelling } from "./certificate-spelling.ts"
import type { WriteBuffer } from "./write-buffer.ts"

/** One end of a byte stream: TCP, TLS, WebSocket, a unix socket, or memory in a test. */
export interface Socket {
  /** Address of the peer without its port; `::ffff:` taken off; `unix` for a unix socket. */
  readonly remoteAddress: string
  /** What the peer showed of itself in a TLS handshake, when it was asked and what it showed is valid. */
  readonly peerCertificate: PeerCertificate | undefined
  /** Whatever is to be sent is appended here; the bytes leave together at the end of the turn. */
  readonly output: WriteBuffer
  /** Stop reading: the peer feels it as back-pressure. Up to one more chunk may still arrive. */
  pause(): void
  resume(): void
  /**
   * Sends what the output holds, however long the peer takes to read it, then closes.
   *
   * @param peerIsDone it has said that nothing more comes from it, so its end need not be waited for
   */
  end(peerIsDone?: boolean): void
  /** Closes at once; what the output holds is lost. */
  terminate(): void
}

/** The certificate of a peer that was verified against the CA file. Its names hold no control characters. */
export interface PeerCertificate extends CertificateSpelling {
  /** Undefined where there is none, or more than one. */
  readonly commonName: string | undefined
  readonly alternativeNames: {
    readonly dns: readonly string[]
    readonly email: readonly string[]
    readonly uri: readonly string[]
  }
  readonly validToMs: number
  /** All of it, for whoever has to look at its signature again. */
  readonly der: Uint8Array
}

/**
 * What a socket tells whoever owns it. No call may throw, and none comes after `closed`. None comes from within
 * `end`, `terminate`, `resume` or an append either: the owner is never called while it is calling.
 */
export interface SocketOwner {
  /** The chunk belongs to the owner, but pins up to 512 KiB: copy what is kept for longer. None comes after `end`. */
  received(chunk: Uint8Array): void
  /** The output was over its mark, `output.writable` false, and is below it again. */
  writable(): void
  /** The end, by either side: called exactly once, at the end of the turn in which the socket closed. */
  closed(): void
}

/** Meets a new connection and says who will own it. */
export type Accept = (socket: Socket) => SocketOwner

/** How a listener speaks TLS. Certificates in PEM, by file path, so that a reload reads what stands there now. */
export interface TlsSettings {
  readonly keyFile: string
  readonly certFile: string
  /** Who may sign a client certificate; without it none is asked for. */
  readonly caFile?: string
  readonly crlFile?: string
  /** Refuse a client that shows no valid certificate. Needs `caFile`. */
  readonly requireClientCertificate?: boolean
  /** Older versions are refused. 1.2 unless told. */
  readonly minimumVersion?: "1.2" | "1.3"
  /** What of TLS 1.2 is offered, as OpenSSL writes it; TLS 1.3 has no choice. */
  readonly ciphers?: string
  /** The application protocols, of which a client that names any must name one. For `tls` alone: `wss` is HTTP. */
  readonly alpn?: readonly string[]
}

/** Where to listen. Port 0 lets the system choose; `Listener.url` tells what it chose. */
export type ListenAddress =
  | { readonly scheme: "tcp" | "ws"; readonly host: string; readonly port: number }
  | { readonly scheme: "tls" | "wss"; readonly host: string; readonly port: number }
  | { readonly scheme: "unix"; readonly path: string }

/** New certificates that are good. One of the two is to be called at once: clients may come for them already. */
export interface PreparedReload {
  /** Whoever connects from now on meets the new ones. */
  take(): void
  /** It goes on with those it has; should only the files of others be bad, a look at its own may still find new ones. */
  drop(): void
}

export interface Listener {
  /** The real address, such as `tcp://127.0.0.1:1883`. */
  readonly url: string
  /** Accepts no more; the connections that are there live on. */
  stop(): void
  /**
   * Reads the certificate files again: whoever connects from now on meets the new ones, whoever is here stays.
   * Present where there are certificates.
   *
   * @throws ListenError when the files are no good; the listener then goes on with those it has
   */
  reload?(): void
  /**
   * The same in two steps, for who has more to see to than this listener.
   *
   * @throws ListenError as `reload` does
   */
  prepareReload?(): PreparedReload
  /**
   * The same as `reload`, if any of the files is another one than when they were last looked at.
   *
   * @returns whether they were read
   * @throws ListenError as `reload` does, once for each change
   */
  reloadIfChanged?(): boolean
  /** The certificate in use. Present where there are certificates. */
  readonly certificate?: { readonly file: string; readonly validToMs: number }
  /**
   * Whom it believes of those who show certificates, in PEM, as the files were when they were last taken. Present
   * where clients are asked for certificates and it is known what they show.
   */
  readonly clientTrust?: { readonly authorities: string; readonly revoked: string | undefined } | undefined
}
