import { ReasonCode } from "../../protocol/reason-code.ts"
import type { AccountStore } from "../../storage/account-store.ts"
import type { AuthenticationVerdict, Authenticator } from "./authentication.ts"
import type { ClientCertificate, Credentials } from "./credentials.ts"
import { plainPrincipal, principalOf } from "../identity.ts"

/** What of a certificate is the user's name. */
export const certificateIdentities = ["common-name", "dns", "email", "uri", "fingerprint"] as const
export type CertificateIdentity = (typeof certificateIdentities)[number]

/**
 * Whoever shows a certificate is the user that it names. An account of that name, if there is one, says what the user is
 * and whether it is enabled.
 */
export class CertificateAuthenticator implements Authenticator {
  readonly #accounts: Pick<AccountStore, "user">
  readonly #identity: CertificateIdentity | undefined
  readonly #knownUsersOnly: boolean

  /**
   * @param identity undefined: certificates say nothing about users
   * @param knownUsersOnly who has no account is refused
   */
  constructor(
    accounts: Pick<AccountStore, "user">,
    identity: CertificateIdentity | undefined,
    knownUsersOnly: boolean,
  ) {
    this.#accounts = accounts
    this.#identity = identity
    this.#knownUsersOnly = knownUsersOnly
  }

  authenticate({
    certificate,
    username,
  }: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict> {
    if (certificate === undefined || this.#identity === undefined) return { verdict: "pass" }
    const name = nameIn(certificate, this.#identity)
    if (name === undefined) return refused(`the certificate names no user by its ${this.#identity}`)
    if (username !== undefined && username !== name) {
      return refused(`the certificate is that of ${name}, and the user name another`)
    }
    return this.#admit(name)
  }

  async #admit(name: string): Promise<AuthenticationVerdict> {
    const account = await this.#accounts.user(name)
    if (account === undefined) {
      if (this.#knownUsersOnly) return refused(`there is no user ${name}`)
      return { verdict: "accept", principal: plainPrincipal(name) }
    }
    if (!account.enabled) return refused(`user ${name}, whom the certificate names, is disabled`)
    return { verdict: "accept", principal: principalOf(account) }
  }
}

/** @returns undefined where there is none, or where several would do and nobody could say which is meant */
function nameIn(certificate: ClientCertificate, identity: CertificateIdentity): string | undefined {
  const { commonName, alternativeNames, fingerprint256 } = certificate
  if (identity === "common-name") return commonName
  if (identity === "fingerprint") return fingerprint256
  const names = alternativeNames[identity]
  const [name] = names
  return names.length === 1 && name !== "" ? name : undefined
}

function refused(why: string): AuthenticationVerdict {
  return { verdict: "reject", reasonCode: ReasonCode.notAuthorized, why }
}
