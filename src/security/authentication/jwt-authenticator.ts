import { isAscii } from "node:buffer"
import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose"
import type { Clock } from "../../foundation/clock.ts"
import { errorText, type Log } from "../../foundation/log.ts"
import { ReasonCode } from "../../protocol/reason-code.ts"
import type { AccountStore } from "../../storage/account-store.ts"
import type { AuthenticationVerdict, Authenticator } from "./authentication.ts"
import type { Credentials } from "./credentials.ts"
import type { Principal } from "../identity.ts"
import { KeysUnavailable, PublishedKeys } from "./published-keys.ts"
import type { RuleProblem } from "../access/rule-words.ts"
import { readPublicKeys, readSecret } from "./token-keys.ts"
import { isToken } from "./token-shape.ts"
import { admit, readVouching, refused } from "./vouched.ts"

/** Which tokens prove what. */
export interface JwtOptions {
  /** All of them HMAC, or none. */
  readonly algorithms: readonly string[]
  readonly keys:
    | { readonly kind: "secret"; readonly file: string }
    | { readonly kind: "public"; readonly file: string }
    | { readonly kind: "published"; readonly url: string; readonly maxAgeSeconds: number }
  readonly issuer?: string
  readonly audience?: string
  readonly clockSkewSeconds: number
  readonly requireExpiry: boolean
  /** Where clients put their tokens. */
  readonly source: "password" | "username"
  readonly usernameClaim: string
  readonly clientIdClaim?: string
  readonly groupsClaim: string
  readonly attributesClaim: string
  readonly aclClaim: string
  readonly superuserClaim?: string
}

const longestToken = 16_384
const longestReason = 200

/** Clients that show a JSON Web Token [RFC 7519]. Who shows something else is left to others. */
export class JwtAuthenticator implements Authenticator {
  readonly #options: JwtOptions
  readonly #accounts: AccountStore
  readonly #clock: Clock
  readonly #log: Log
  #keys: JWTVerifyGetKey

  /** @throws TokenKeyError */
  constructor(options: JwtOptions, accounts: AccountStore, clock: Clock, log: Log) {
    this.#options = options
    this.#accounts = accounts
    this.#clock = clock
    this.#log = log
    this.#keys = this.#readKeys()
  }

  /** Reads the files of keys again. @returns what puts them in force @throws TokenKeyError */
  readAgain(): () => void {
    const keys = this.#options.keys.kind === "published" ? this.#keys : this.#readKeys()
    return () => void (this.#keys = keys)
  }

  authenticate(credentials: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict> {
    const token = this.#tokenOf(credentials)
    if (token === undefined || !isToken(token)) return { verdict: "pass" }
    if (token.length > longestToken) return refused(`its token is longer than ${longestToken} bytes`)
    return this.#decide(token, credentials)
  }

  #tokenOf({ username, password }: Credentials): string | undefined {
    if (this.#options.source === "username") return username
    if (password === undefined || !isAscii(password)) return undefined
    return new TextDecoder().decode(password)
  }

  async #decide(token: string, credentials: Credentials): Promise<AuthenticationVerdict> {
    const claims = await this.#verify(token)
    if ("verdict" in claims) return claims
    const principal = this.#principalOf(claims.payload, credentials)
    return "problem" in principal
      ? refused(`its token ${principal.problem}`)
      : admit(principal, this.#accounts)
  }

  /** Whatever cannot be verified, for whatever reason, proves nothing. */
  async #verify(token: string): Promise<{ readonly payload: JWTPayload } | AuthenticationVerdict> {
    const { algorithms, issuer, audience, clockSkewSeconds, requireExpiry } = this.#options
    try {
      return await jwtVerify(token, this.#keys, {
        algorithms: [...algorithms],
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.#clock.wall()),
        requiredClaims: requireExpiry ? ["exp"] : [],
      })
    } catch (error) {
      // It may repeat what a stranger wrote.
      const why = errorText(error).slice(0, longestReason)
      if (!(error instanceof KeysUnavailable)) return refused(`its token is not accepted: ${why}`)
      const reasonCode = ReasonCode.serverUnavailable
      return { verdict: "reject", reasonCode, why: `the keys of tokens cannot be fetched: ${why}` }
    }
  }

  #principalOf(claims: JWTPayload, credentials: Credentials): Principal | RuleProblem {
    const { usernameClaim, clientIdClaim, superuserClaim, groupsClaim, attributesClaim, aclClaim, source } =
      this.#options
    const username = claims[usernameClaim]
    if (!isName(username)) return { problem: `has no name in its claim ${usernameClaim}` }
    // Some clients cannot send a password without a user name, and send an empty one.
    const calledItself = source === "username" ? "" : (credentials.username ?? "")
    if (calledItself !== "" && calledItself !== username) return { problem: "is that of another user" }
    const clientId = clientIdClaim === undefined ? undefined : claims[clientIdClaim]
    if (clientId !== undefined && clientId !== credentials.clientId) {
      return { problem: "is for another client identifier" }
    }
    return readVouching(username, {
      superuser: superuserClaim === undefined ? undefined : claims[superuserClaim],
      groups: claims[groupsClaim],
      attributes: claims[attributesClaim],
      acl: claims[aclClaim],
      expiresAtMs: this.#expiryOf(claims),
    })
  }

  /** A token that is taken although it has just expired, for clocks may differ, is good until they no longer may. */
  #expiryOf({ exp = Number.POSITIVE_INFINITY }: JWTPayload): number {
    const expiresAtMs = exp * 1000
    return expiresAtMs > this.#clock.wall()
      ? expiresAtMs
      : expiresAtMs + this.#options.clockSkewSeconds * 1000
  }

  #readKeys(): JWTVerifyGetKey {
    const { keys, algorithms } = this.#options
    switch (keys.kind) {
      case "secret":
        return readSecret(keys.file, algorithms)
      case "public":
        return readPublicKeys(keys.file, algorithms)
      case "published":
        return new PublishedKeys(keys, this.#clock, this.#log).get
    }
  }
}

/** A text that MQTT could carry as a user name [1.5.4]. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0") && value.isWellFormed()
}
