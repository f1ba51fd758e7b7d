import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto"
import { isUtf8 } from "node:buffer"
import { promisify } from "node:util"
import { type ScramCredential, type ScramMechanism, scramMechanisms } from "../../storage/account-store.ts"
import { saslprep } from "./saslprep.ts"

/** The hash function of each mechanism, and the bytes that it makes [RFC 5802, RFC 7677]. */
const hashes = {
  "SCRAM-SHA-256": { name: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { name: "sha512", bytes: 64 },
} as const satisfies Record<ScramMechanism, { name: string; bytes: number }>

/**
 * What a password costs its owner at each login, and whoever has stolen the data at each guess; the broker pays nothing
 * for it. RFC 7677 wants 4,096 at least and calls 15,000 a tenth of a second of a computer: more would make a small
 * device compute for many seconds.
 */
export const scramIterations = 15_000

const saltBytes = 16

/** The password cannot be used with SCRAM, which compares texts and not bytes. */
export class ScramPasswordError extends Error {
  override readonly name = "ScramPasswordError"
}

/**
 * What is to be stored of a password, for each mechanism there is.
 *
 * @throws ScramPasswordError for one that is no text, or holds characters that cannot be typed [RFC 4013]
 */
export async function makeScramCredentials(
  password: Uint8Array | string,
): Promise<readonly ScramCredential[]> {
  const text =
    typeof password === "string" ? password : isUtf8(password) ? Buffer.from(password).toString() : ""
  const prepared = saslprep(text)
  if (prepared === undefined) {
    throw new ScramPasswordError(
      "the password cannot be used with SCRAM, which takes text in UTF-8 without control characters; choose another",
    )
  }
  return Promise.all(
    scramMechanisms.map((mechanism) =>
      makeCredential(mechanism, prepared, randomBytes(saltBytes), scramIterations),
    ),
  )
}

/** @param password prepared */
export async function makeCredential(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramCredential> {
  const { name, bytes } = hashes[mechanism]
  const saltedPassword = await promisify(pbkdf2)(password, salt, iterations, bytes, name)
  const clientKey = hmac(mechanism, saltedPassword, "Client Key")
  return {
    mechanism,
    iterations,
    salt: Buffer.from(salt).toString("base64"),
    storedKey: createHash(name).update(clientKey).digest("base64"),
    serverKey: hmac(mechanism, saltedPassword, "Server Key").toString("base64"),
  }
}

/** Whether the client knows the password, and is the one who had this conversation [RFC 5802, section 3]. */
export function provesPassword(
  { mechanism, storedKey }: ScramCredential,
  authMessage: string,
  proof: Uint8Array,
): boolean {
  const { name, bytes } = hashes[mechanism]
  const expected = Buffer.from(storedKey, "base64")
  if (proof.length !== bytes || expected.length !== bytes) return false
  const clientKey = hmac(mechanism, expected, authMessage)
  for (const [index, byte] of proof.entries()) clientKey[index] = (clientKey[index] ?? 0) ^ byte
  return timingSafeEqual(createHash(name).update(clientKey).digest(), expected)
}

/** By this the client knows that we have its password's keys, and are no impostor; in base64. */
export function serverSignature({ mechanism, serverKey }: ScramCredential, authMessage: string): string {
  return hmac(mechanism, Buffer.from(serverKey, "base64"), authMessage).toString("base64")
}

const decoyKey = randomBytes(32)
/** There is nothing whose hash it is, as far as anybody knows. */
const nobodysKey = randomBytes(64)

/**
 * What whoever asks for a user that does not exist is shown: the same salt each time, as of a user who does. It changes
 * with each run of the broker, which a patient stranger may notice.
 */
export function decoyCredential(mechanism: ScramMechanism, username: string): ScramCredential {
  const key = nobodysKey.subarray(0, hashes[mechanism].bytes).toString("base64")
  const salt = hmac(mechanism, decoyKey, `${mechanism} ${username}`).subarray(0, saltBytes)
  return {
    mechanism,
    iterations: scramIterations,
    salt: salt.toString("base64"),
    storedKey: key,
    serverKey: key,
  }
}

function hmac(mechanism: ScramMechanism, key: Uint8Array, text: string): Buffer {
  return createHmac(hashes[mechanism].name, key).update(text).digest()
}
