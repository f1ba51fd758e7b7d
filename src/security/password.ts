import { Fifo } from "../foundation/fifo.ts"

/**
 * What one guess costs: about 20 ms of one core and 19 MiB, the least that OWASP advises for argon2id. More would
 * make a thousand devices that reconnect after a power cut wait for minutes.
 */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const

/** The hash of a random password that nobody kept, at the same cost: verified where there is no user. */
const decoyHash =
  "$argon2id$v=19$m=19456,t=2,p=1$hkaXmK/p74e9jd2Ob1Z2TzKjwphbuIbYcHqAFXIVqV8$Rj5k6uzSXJTH4Ojr+iLdpbfYQRtlZ/EGkJTf69eVKp4"

/**
 * @param password not empty
 * @returns a PHC string, salt and cost included
 */
export function hashPassword(password: Uint8Array | string): Promise<string> {
  return Bun.password.hash(password, cost)
}

/** busy: too many logins wait already; the client may try again later. */
export type PasswordVerdict = "match" | "mismatch" | "busy"

/**
 * Verifies passwords off the event loop, a few at a time: each takes memory and a core, and a stranger can ask for
 * as many as he likes.
 */
export class PasswordVerifier {
  readonly #atOnce: number
  readonly #maximumWaiting: number
  readonly #waiting = new Fifo<() => void>()
  #running = 0

  /** @param limits atOnce: passwords verified in parallel; waiting: how many more may wait for their turn */
  constructor(limits: { readonly atOnce: number; readonly waiting: number } = { atOnce: 2, waiting: 400 }) {
    this.#atOnce = limits.atOnce
    this.#maximumWaiting = limits.waiting
  }

  /**
   * Takes as long for a user that does not exist as for a wrong password, so that names cannot be found out by time.
   *
   * @param hash a PHC string from the store; undefined when there is no such user
   * @throws when the hash is none that Bun.password knows
   */
  async verify(password: Uint8Array, hash: string | undefined): Promise<PasswordVerdict> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.size >= this.#maximumWaiting) return "busy"
      // Whoever finishes hands its place over, so nobody who comes later slips in between.
      await new Promise<void>((turn) => this.#waiting.push(turn))
    } else {
      this.#running += 1
    }
    try {
      const matches = await Bun.password.verify(password, hash ?? decoyHash)
      return matches && hash !== undefined ? "match" : "mismatch"
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
