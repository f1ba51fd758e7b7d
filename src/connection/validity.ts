import type { Clock } from "../foundation/clock.ts"
import type { Requester } from "../security/requester.ts"
import type { PeerCertificate } from "../transport/socket.ts"

/** The wall may be put forward meanwhile, so whatever expires is looked at as often. */
const roundMs = 60_000

/**
 * Until when, by the wall, what a client has shown is good: its token, and the certificate of its connection, by which
 * nobody could come in later, whoever he is by it.
 */
export class Validity {
  readonly #clock: Clock
  readonly #certificateEndsMs: number

  constructor(clock: Clock, certificate: PeerCertificate | undefined) {
    this.#clock = clock
    this.#certificateEndsMs = certificate?.validToMs ?? Number.POSITIVE_INFINITY
  }

  /** @returns what has expired, in words; undefined: nothing */
  expired({ principal }: Requester): string | undefined {
    const wallMs = this.#clock.wall()
    if (wallMs >= principal.expiresAtMs) return "the token has expired"
    return wallMs >= this.#certificateEndsMs ? "the certificate has expired" : undefined
  }

  /** @returns when to look again; Infinity: never */
  lookAgainAtMs({ principal }: Requester): number {
    const leftMs = Math.min(principal.expiresAtMs, this.#certificateEndsMs) - this.#clock.wall()
    return this.#clock.now() + Math.min(leftMs, leftMs === Number.POSITIVE_INFINITY ? leftMs : roundMs)
  }
}
