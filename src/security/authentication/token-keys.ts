import { createPublicKey, type KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from "jose"

/** A file of keys that is no good; the message is one line that names the file. */
export class TokenKeyError extends Error {
  override readonly name = "TokenKeyError"
}

/** Whose hash has how many bytes: a shorter secret is easier to guess than the hash [RFC 7518, section 3.2]. */
const secretBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** @throws TokenKeyError when the file holds no secret that is long enough for every algorithm */
export function readSecret(file: string, algorithms: readonly string[]): JWTVerifyGetKey {
  const bytes = readFile(file)
  const secret = new Uint8Array(bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes)
  for (const algorithm of algorithms) {
    const least = secretBytes[algorithm] ?? Number.POSITIVE_INFINITY
    if (secret.length >= least) continue
    const has = `${file} holds a secret of ${secret.length} bytes`
    throw new TokenKeyError(`${has}, too short for ${algorithm}; make one of at least ${least}`)
  }
  return async () => secret
}

/**
 * Reads a public key or a certificate in PEM, a JWK, or a JWKS.
 *
 * @throws TokenKeyError when there is an algorithm that no key in the file is for
 */
export function readPublicKeys(file: string, algorithms: readonly string[]): JWTVerifyGetKey {
  const text = readFile(file).toString()
  const isPem = text.includes("-----BEGIN ")
  const pem = isPem ? readPem(text, file) : undefined
  const jwks = isPem ? [] : readJwks(text, file)
  const keys: readonly (KeyObject | undefined)[] = pem === undefined ? jwks.map(keyOf) : [pem]
  for (const algorithm of algorithms) {
    const fits = keys.some(
      (key, index) => key !== undefined && isFor(key, algorithm) && isMeantFor(jwks[index], algorithm),
    )
    if (fits) continue
    const remedy = "name another file, or take the algorithm out of jwt.algorithms"
    throw new TokenKeyError(`${file} holds no public key for ${algorithm}; ${remedy}`)
  }
  return pem === undefined ? createLocalJWKSet({ keys: [...jwks] }) : async () => pem
}

function readPem(text: string, file: string): KeyObject {
  if (text.includes("PRIVATE KEY-----")) throw holdsPrivateKey(file)
  try {
    return createPublicKey(text)
  } catch (cause) {
    throw new TokenKeyError(
      `${file} holds no public key or certificate in PEM that can be read; check the file`,
      {
        cause,
      },
    )
  }
}

function readJwks(text: string, file: string): readonly JWK[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new TokenKeyError(`${file} holds neither PEM nor JSON; name a public key, a JWK or a JWKS`, {
      cause,
    })
  }
  const keys = isObject(json) && Array.isArray(json["keys"]) ? (json["keys"] as unknown[]) : [json]
  return keys.map((key) => {
    if (!isObject(key)) throw new TokenKeyError(`${file} holds no JWK or JWKS; check the file`)
    if ("d" in key || "k" in key) throw holdsPrivateKey(file)
    return key as JWK
  })
}

/** @returns undefined for a kind of key that we do not know: it may be for others [RFC 7517, section 5] */
function keyOf(jwk: JWK): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: "jwk" })
  } catch {
    return undefined
  }
}

const curves: Readonly<Record<string, string>> = {
  ES256: "prime256v1",
  ES384: "secp384r1",
  ES512: "secp521r1",
}

function isFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, algorithm: string): boolean {
  if (algorithm === "EdDSA") return asymmetricKeyType === "ed25519"
  if (algorithm.startsWith("ES")) return asymmetricKeyDetails?.namedCurve === curves[algorithm]
  // RFC 7518, sections 3.3 and 3.5.
  return (
    /^[RP]S/.test(algorithm) &&
    asymmetricKeyType === "rsa" &&
    (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  )
}

function isMeantFor(jwk: JWK | undefined, algorithm: string): boolean {
  return (jwk?.alg ?? algorithm) === algorithm && (jwk?.use ?? "sig") === "sig"
}

function holdsPrivateKey(file: string): TokenKeyError {
  return new TokenKeyError(
    `${file} holds a private key, which is for whoever issues tokens; name the public one`,
  )
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new TokenKeyError(`${file} cannot be read (${whatOf(cause)}); check its path and its mode`, {
      cause,
    })
  }
}

function whatOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
