import type { StreamSettings } from "./stream-socket.ts"
import { endOfTurn } from "./turn-schedule.ts"
import type { WriteLimits } from "./write-buffer.ts"

/** What all listeners can be told beyond where they listen. */
export interface ListenOptions {
  /** An owner threw: its socket has been closed, the rest goes on. May not throw. */
  readonly onBug: (error: unknown) => void
  /** How long a peer may take from the first packet to the end of the TLS handshake. 10,000 ms unless told. */
  readonly handshakeTimeoutMs?: number
  /** How long a peer may take to close its half after `end` has closed ours. 5,000 ms unless told. */
  readonly lingerMs?: number
  readonly output?: WriteLimits
}

export interface UnixListenOptions extends ListenOptions {
  /** Mode of the socket's file. 0o600 unless told: its owner alone. */
  readonly mode?: number
}

export interface WebSocketListenOptions extends ListenOptions {
  /** Where an upgrade is welcome. `/mqtt` and `/` unless told. */
  readonly paths?: readonly string[]
  /**
   * The web pages that may connect, such as `https://example.org`; all unless told. Who names no origin is no web
   * page, and is not held to it.
   */
  readonly origins?: readonly string[]
  /** The longest WebSocket message; longer ones close with 1009. 16 MiB unless told. */
  readonly maximumMessageBytes?: number
}

export const defaultHandshakeTimeoutMs = 10_000
const defaultLingerMs = 5_000

export function streamSettings(options: ListenOptions): StreamSettings {
  return {
    schedule: endOfTurn,
    limits: options.output ?? {},
    lingerMs: options.lingerMs ?? defaultLingerMs,
    waitsForPeer: false,
    onBug: options.onBug,
  }
}
