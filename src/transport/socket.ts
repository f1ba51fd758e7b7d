import type { WriteBuffer } from "./write-buffer.ts"

/** One end of a byte stream: TCP, TLS, WebSocket, a unix socket, or memory in a test. */
export interface Socket {
  /** Address of the peer without its port; `::ffff:` taken off; `unix` for a unix socket. */
  readonly remoteAddress: string
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

/** Certificates in PEM, by file path, so that a reload reads what stands there now. */
export interface TlsFiles {
  readonly keyFile: string
  readonly certFile: string
  /** Who may sign a client certificate; without it none is asked for. */
  readonly caFile?: string
  readonly crlFile?: string
  /** Refuse a client that shows no valid certificate. Needs `caFile`. */
  readonly requireClientCertificate?: boolean
}

/** Where to listen. Port 0 lets the system choose; `Listener.url` tells what it chose. */
export type ListenAddress =
  | { readonly scheme: "tcp" | "ws"; readonly host: string; readonly port: number }
  | { readonly scheme: "tls" | "wss"; readonly host: string; readonly port: number }
  | { readonly scheme: "unix"; readonly path: string }

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
}
