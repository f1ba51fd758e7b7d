import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"

/** So many users are remembered; who logged in longest ago is forgotten first. */
const mostUsers = 10_000

interface Verified {
  /** The hash that it was verified against: once the user has another, this holds no longer. */
  readonly hash: string
  readonly digest: Uint8Array
}

/**
 * Passwords that were right a moment ago, so that a thousand devices that come back together need not be verified one by
 * one at 20 ms each. What is kept of a password is a keyed digest, and the key does not leave this process.
 */
export class VerifiedPasswords {
  readonly #key = randomBytes(32)
  readonly #byUser = new Map<string, Verified>()

  has(username: string, password: Uint8Array, hash: string): boolean {
    const known = this.#byUser.get(username)
    if (known?.hash !== hash || !timingSafeEqual(known.digest, this.#digest(password))) return false
    this.#put(username, known)
    return true
  }

  add(username: string, password: Uint8Array, hash: string): void {
    this.#put(username, { hash, digest: this.#digest(password) })
    if (this.#byUser.size <= mostUsers) return
    const [oldest] = this.#byUser.keys()
    if (oldest !== undefined) this.#byUser.delete(oldest)
  }

  #put(username: string, verified: Verified): void {
    this.#byUser.delete(username)
    this.#byUser.set(username, verified)
  }

  #digest(password: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(password).digest()
  }
}
