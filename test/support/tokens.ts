import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose"
import type { Log } from "../../src/foundation/log.ts"
import type { AuthenticationVerdict } from "../../src/security/authentication/authentication.ts"
import { JwtAuthenticator, type JwtOptions } from "../../src/security/authentication/jwt-authenticator.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { AccountStore } from "../../src/storage/account-store.ts"
import { silentLog } from "./silent-log.ts"
import { TurnedClock } from "./turned-clock.ts"

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** A key for the algorithm. Those for RSA take long to make, so there is one for all tests. */
export function keyPairFor(algorithm: string): KeyPair {
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519")
  if (!algorithm.startsWith("ES")) return rsaKeyPair
  const namedCurve = { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[algorithm] ?? ""
  return generateKeyPairSync("ec", { namedCurve })
}
export const rsaKeyPair: KeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 })

export function publicPem({ publicKey }: KeyPair): string {
  return publicKey.export({ type: "spki", format: "pem" }).toString()
}

export function publicJwk({ publicKey }: KeyPair, words: JWK = {}): JWK {
  return { ...publicKey.export({ format: "jwk" }), ...words } as JWK
}

/** A token as whoever issues them makes it. */
export function signed(
  claims: JWTPayload,
  key: KeyObject | Uint8Array,
  header: JWTHeaderParameters,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

/** One that nobody who issues them would make: any header, any payload, any signature. */
export function forged(header: string | object, payload: string | object, signature = ""): string {
  const part = (value: string | object) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url")
  return `${part(header)}.${part(payload)}.${signature}`
}

/** Whoever decides about tokens, with a clock, accounts and files of its own. */
export class TokenDesk {
  readonly clock = new TurnedClock()
  readonly accounts: AccountStore = new MemoryStore().accounts
  /** What it said in its log, without what it said beside. */
  readonly said: string[] = []
  readonly log: Log = {
    ...silentLog,
    info: (sentence) => void this.said.push(sentence),
    warn: (sentence) => void this.said.push(sentence),
    error: (sentence) => void this.said.push(sentence),
  }
  readonly folder = mkdtempSync(join(tmpdir(), "tokens-"));

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Seconds since 1970, as tokens have them. */
  get now(): number {
    return this.clock.now() / 1000
  }

  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  authenticator(keys: JwtOptions["keys"], algorithms: readonly string[], words: Partial<JwtOptions> = {}) {
    const options: JwtOptions = { ...usualOptions, algorithms, keys, ...words }
    return new JwtAuthenticator(options, this.accounts, this.clock, this.log)
  }
}

const usualOptions = {
  clockSkewSeconds: 5,
  requireExpiry: true,
  source: "password",
  usernameClaim: "sub",
  groupsClaim: "groups",
  attributesClaim: "attributes",
  aclClaim: "acl",
} as const

/** As whom it lets in, or why not. */
export function outcome(verdict: AuthenticationVerdict): string {
  switch (verdict.verdict) {
    case "accept":
      return `accept ${verdict.principal.username ?? "nobody in particular"}`
    case "reject":
      return verdict.why
    case "pass":
      return "pass"
  }
}
