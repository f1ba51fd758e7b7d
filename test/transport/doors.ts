import { join } from "node:path"
import { connect } from "../../src/transport/connect.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"
import { listen } from "../../src/transport/listen.ts"
import type { WebSocketListenOptions } from "../../src/transport/listen-options.ts"
import type { Accept, Listener, ListenAddress, Socket, SocketOwner } from "../../src/transport/socket.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import type { CertificateFiles } from "../support/certificates.ts"

export const schemes = ["tcp", "tls", "unix", "ws", "wss"] as const
export type Scheme = (typeof schemes)[number]

/** A listener of each kind on demand, and the way to it; all closed at the end. */
export class Doors {
  readonly authority = new CertificateAuthority()
  /** What owners threw. */
  readonly bugs: unknown[] = []
  readonly #server: CertificateFiles = this.authority.server()
  readonly #listeners: Listener[] = []
  #paths = 0

  async open(
    scheme: Scheme,
    accept: Accept,
    options: Partial<WebSocketListenOptions> = {},
  ): Promise<(owner: SocketOwner) => Promise<Socket>> {
    const tls = scheme === "tls" || scheme === "wss" ? this.#server : undefined
    const onBug = (error: unknown) => this.bugs.push(error)
    const listener = await listen(this.#address(scheme), tls, accept, { onBug, ...options })
    this.#listeners.push(listener)
    const target = this.targetOf(listener)
    return (owner) => connect(target, owner)
  }

  targetOf(listener: Listener): ConnectTarget {
    const url = new URL(listener.url)
    const scheme = url.protocol.slice(0, -1)
    if (scheme === "unix") return { scheme, path: url.pathname }
    const there = { host: "localhost", port: Number(url.port) }
    if (scheme === "tls" || scheme === "wss") {
      return { scheme, ...there, tls: { caFile: this.authority.caFile } }
    }
    return { scheme: scheme === "ws" ? "ws" : "tcp", ...there }
  }

  close(): void {
    for (const listener of this.#listeners) listener.stop()
    this.authority[Symbol.dispose]()
  }

  #address(scheme: Scheme): ListenAddress {
    if (scheme === "unix") return { scheme, path: join(this.authority.folder, `${this.#paths++}.sock`) }
    return { scheme, host: "127.0.0.1", port: 0 }
  }
}
