import type { Clock } from "../../foundation/clock.ts"
import type { Principal } from "../identity.ts"

/** So many questions are remembered; the one that was answered longest ago is forgotten first. */
export const mostRemembered = 10_000

interface Remembered {
  readonly principal: Principal
  readonly untilMs: number
}

/**
 * Whom a service let in a moment ago, so that it need not be asked again. What is kept of a question, and so of the password
 * in it, is a keyed digest, and the key does not leave this process.
 */
export class RememberedAnswers {
  readonly #forMs: number
  readonly #clock: Clock
  readonly #key = crypto.getRandomValues(new Uint8Array(32))
  readonly #byDigest = new Map<string, Remembered>()

  /** @param seconds for how long; 0: not at all */
  constructor(seconds: number, clock: Clock) {
    this.#forMs = seconds * 1000
    this.#clock = clock
  }

  to(question: string): Principal | undefined {
    if (this.#forMs === 0) return undefined
    const digest = this.#digestOf(question)
    const known = this.#byDigest.get(digest)
    if (known === undefined) return undefined
    const { principal, untilMs } = known
    if (untilMs > this.#clock.now() && principal.expiresAtMs > this.#clock.wall()) return principal
    this.#byDigest.delete(digest)
    return undefined
  }

  add(question: string, principal: Principal): void {
    if (this.#forMs === 0) return
    const digest = this.#digestOf(question)
    this.#byDigest.delete(digest)
    this.#byDigest.set(digest, { principal, untilMs: this.#clock.now() + this.#forMs })
    if (this.#byDigest.size <= mostRemembered) return
    const [oldest] = this.#byDigest.keys()
    if (oldest !== undefined) this.#byDigest.delete(oldest)
  }

  #digestOf(question: string): string {
    return new Bun.CryptoHasher("sha256", this.#key).update(question).digest("base64")
  }
}
