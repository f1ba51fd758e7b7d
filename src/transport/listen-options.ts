import type { InheritedSockets } from "../system/inherited-sockets.ts"
import type { StreamSettings } from "./stream-socket.ts"
import { endOfTurn } from "./turn-schedule.ts"
import type { WriteLimits } from "./write-buffer.ts"

/** What comes before the first byte of a stream. */
export type Greeting = "TLS handshake" | "PROXY header" | "WebSocket upgrade"

/** How many peers of one listener may be at their greeting at a time. */
export interface GreetingLimits {
  /** One more is turned away, or takes the place of the one that came first if that has been there for the patience. */
  readonly most: number
  /** One more is turned away; 0: any number. */
  readonly mostOfSource: number
  /** Who answers for an address; undefined: nobody does. */
  sourceOf(address: string): string | undefined
  /** 1,000 ms unless told. */
  readonly patienceMs?: number
}

/** What all listeners can be told beyond where they listen. */
export interface ListenOptions {
  /** An owner threw: its socket has been closed, the rest goes on. May not throw. */
  readonly onBug: (error: unknown) => void
  /** A peer never became a socket: what it failed at, and why. Strangers cause it as often as they like. May not throw. */
  readonly onRefused?: (address: string, at: Greeting, why: string) => void
  /** How long a peer may take from the first packet to the end of all its greetings. 10,000 ms unless told. */
  readonly handshakeTimeoutMs?: number
  /** Any number unless told. A plain `tcp` or `unix` address without PROXY headers has no greeting. */
  readonly greetings?: GreetingLimits
  /** How long a peer may take to close its half after `end` has closed ours. 5,000 ms unless told. */
  readonly lingerMs?: number
  readonly output?: WriteLimits
  /**
   * Whoever connects is a proxy that says first whom it speaks for: a PROXY header, version 1 or 2. To be asked for
   * only where nobody but the proxy can connect, since the header is believed. For `tcp` and `unix`.
   */
  readonly proxyProtocol?: boolean
  /** Sockets that listen already, opened by who started us: one of them that is bound at the address is taken. */
  readonly inherited?: InheritedSockets
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
