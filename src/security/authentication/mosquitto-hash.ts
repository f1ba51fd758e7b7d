import { createHash, pbkdf2, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"

/*
 * Passwords as mosquitto_passwd has written them since 1.0: `$6$salt$hash`, one SHA-512 over password and salt, and
 * `$7$iterations$salt$hash`, PBKDF2 with HMAC-SHA-512; salt and hash in base64.
 */

const hashBytes = 64
const mostIterations = 10_000_000

const pattern = /^\$(?:6|7\$(\d{1,8}))\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/

export function isMosquittoHash(hash: string): boolean {
  return /^\$[67]\$/.test(hash)
}

/** @throws Error when the hash is not written as it should be */
export async function matchesMosquittoHash(password: Uint8Array, hash: string): Promise<boolean> {
  const [, iterationsText, saltText = "", expectedText = ""] = pattern.exec(hash) ?? []
  const expected = Buffer.from(expectedText, "base64")
  if (expected.length !== hashBytes) throw new Error("no hash of Mosquitto's")
  const salt = Buffer.from(saltText, "base64")
  if (iterationsText === undefined) {
    return timingSafeEqual(createHash("sha512").update(password).update(salt).digest(), expected)
  }
  const iterations = Number(iterationsText)
  if (iterations < 1 || iterations > mostIterations) throw new Error("no number of iterations")
  return timingSafeEqual(await promisify(pbkdf2)(password, salt, iterations, hashBytes, "sha512"), expected)
}
