import { isMosquittoHash, matchesMosquittoHash } from "./mosquitto-hash.ts"
import { Turnstile } from "./turnstile.ts"

/**
 * What one guess costs: about 20 ms of one core and 19 MiB, the least that OWASP advises for argon2id. More would
 * make a thousand devices that reconnect after a power cut wait for minutes.
 */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const

/** How a hash at that cost begins. */
const ourBeginning = "$argon2id$v=19$m=19456,t=2,p=1$"

/** The hash of a random password that nobody kept, at the same cost: verified where there is no user. */
const decoyHash =
  "$argon2id$v=19$m=19456,t=2,p=1$hkaXmK/p74e9jd2Ob1Z2TzKjwphbuIbYcHqAFXIVqV8$Rj5k6uzSXJTH4Ojr+iLdpbfYQRtlZ/EGkJTf69eVKp4"

/** What other programs made their bcrypt hashes of: nothing behind it counts [bcrypt]. */
const bcryptBytes = 72

/**
 * @param password not empty
 * @returns a PHC string, salt and cost included
 */
export function hashPassword(password: Uint8Array | string): Promise<string> {
  return Bun.password.hash(password, cost)
}

/** Whether a hash was made otherwise than we would make it now. */
export function isOutdatedHash(hash: string): boolean {
  return !hash.startsWith(ourBeginning)
}

/**
 * Whether a hash is of a kind that can be verified: argon2, bcrypt, or `$6$` and `$7$` as Mosquitto writes them. Whether
 * the rest of it is sound shows when it is verified.
 */
function isKnownHash(hash: string): boolean {
  return isMosquittoHash(hash) || /^\$(argon2(id|i|d)|2[aby])\$/.test(hash)
}

/** What made a hash, in a word for people; "none" where there is none. */
export function kindOfHash(hash: string | undefined): string {
  if (hash === undefined) return "none"
  if (isMosquittoHash(hash)) return hash.startsWith("$6$") ? "mosquitto-sha512" : "mosquitto-pbkdf2"
  const [, argon2] = /^\$(argon2(?:id|i|d))\$/.exec(hash) ?? []
  return argon2 ?? (hash.startsWith("$2") ? "bcrypt" : "unknown")
}

/** busy: too many logins wait already; the client may try again later. unreadable: it is no hash that we know. */
export type PasswordVerdict = "match" | "mismatch" | "busy" | "unreadable"

/**
 * Verifies and makes hashes off the event loop, a few at a time: each takes memory and a core, and a stranger can ask
 * for as many as he likes.
 */
export class PasswordVerifier {
  readonly #turnstile: Turnstile

  /**
   * @param limits atOnce: passwords verified in parallel; waiting: how many more may wait for their turn, by default ten
   *   seconds' worth on two cores, for devices that all come back after a power cut give up after thirty
   */
  constructor(limits: { readonly atOnce: number; readonly waiting: number } = { atOnce: 2, waiting: 1_000 }) {
    this.#turnstile = new Turnstile(limits)
  }

  /**
   * Takes as long for a user that does not exist as for a wrong password, so that names cannot be found out by time.
   *
   * @param hash from the store; undefined when there is no such user, or no password of his
   */
  async verify(password: Uint8Array, hash: string | undefined): Promise<PasswordVerdict> {
    const turn = await this.#turnstile.inTurn(() => verifyNow(password, hash))
    return turn ?? "busy"
  }

  /** @returns undefined when too many wait */
  hash(password: Uint8Array): Promise<string | undefined> {
    return this.#turnstile.inTurn(() => hashPassword(password))
  }
}

async function verifyNow(password: Uint8Array, hash: string | undefined): Promise<PasswordVerdict> {
  if (hash === undefined || !isKnownHash(hash)) {
    await Bun.password.verify(password, decoyHash)
    return hash === undefined ? "mismatch" : "unreadable"
  }
  try {
    if (await matches(password, hash)) return "match"
  } catch {
    // Only the hash can be at fault: it has been cut or changed, and whoever reads the log has to know.
    return "unreadable"
  }
  // Mosquitto's are verified in no time, which would tell them from users that do not exist.
  if (isMosquittoHash(hash)) await Bun.password.verify(password, decoyHash)
  return "mismatch"
}

function matches(password: Uint8Array, hash: string): Promise<boolean> {
  if (isMosquittoHash(hash)) return matchesMosquittoHash(password, hash)
  if (hash.startsWith("$2")) return Bun.password.verify(password.subarray(0, bcryptBytes), hash)
  return Bun.password.verify(password, hash)
}
