import type { AuthenticationChain } from "../security/authentication/authentication.ts"
import type { PeerCertificate } from "../transport/socket.ts"

/** What one listener bears; undefined: as much as any. */
export interface EntranceLimits {
  readonly connections: number | undefined
  /** New ones a second. */
  readonly connectionRate: number | undefined
  /** Of one client; goes before the limit for all listeners. */
  readonly messagesPerSecond: number | undefined
}

/** One listener, as those who come in by it find it. */
export interface Entrance {
  /** Such as tcp://127.0.0.1:1883. */
  readonly url: string
  readonly authentication: AuthenticationChain
  readonly limits: EntranceLimits
}

/** What a connection knows of its peer before the peer says anything. */
export interface Door {
  readonly remoteAddress: string
  readonly certificate: PeerCertificate | undefined
  readonly entrance: Entrance
}
