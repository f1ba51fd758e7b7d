import type { AuthenticationChain, FinalVerdict } from "../security/authentication/authentication.ts"
import type { Credentials } from "../security/authentication/credentials.ts"
import { claimOf } from "../security/guard/login-guard.ts"
import { type Converse, prove, type ProvenVerdict } from "./authenticating.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"

/**
 * Finds out who a client is, unless it has to wait because it has guessed too often.
 *
 * @param method the authentication method that its CONNECT names [3.1.2.11.9]
 * @returns at once when whoever is asked answers at once
 */
export function identify(
  method: string | undefined,
  credentials: Credentials,
  authentication: AuthenticationChain,
  { clock, logins }: Pick<ConnectionSurroundings, "clock" | "logins">,
  converse: Converse,
): ProvenVerdict | Promise<ProvenVerdict> {
  const { clientId, remoteAddress, username, password } = credentials
  const beganAtMs = clock.now()
  if (method !== undefined) {
    return prove(method, credentials, authentication, converse).then((verdict) => {
      const claimed = verdict.verdict === "accept" ? verdict.principal.username : verdict.username
      const claim = claimOf(claimed ?? username, clientId)
      return logins.concluded(verdict, remoteAddress, claim, beganAtMs, clock.now())
    })
  }
  // Who shows neither guesses nothing.
  if (username === undefined && password === undefined) return authentication.authenticate(credentials)
  const claim = claimOf(username, clientId)
  if (!logins.mayTry(remoteAddress, claim, beganAtMs)) {
    return logins.refusal(remoteAddress, claim, beganAtMs)
  }
  const verdict = authentication.authenticate(credentials)
  const settle = (found: FinalVerdict): FinalVerdict =>
    logins.settled(found, remoteAddress, claim, beganAtMs, clock.now())
  return verdict instanceof Promise ? verdict.then(settle) : settle(verdict)
}
