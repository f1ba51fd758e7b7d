import type { AuthenticatorName } from "./config/schema.ts"
import type { ListenerSettings, Settings } from "./config/settings.ts"
import type { Clock } from "./foundation/clock.ts"
import type { Log } from "./foundation/log.ts"
import { AccountAuthenticator } from "./security/authentication/accounts.ts"
import {
  AuthenticationChain,
  type Authenticator,
  anonymousAuthenticator,
  passesOn,
} from "./security/authentication/authentication.ts"
import { CertificateAuthenticator } from "./security/authentication/certificate.ts"
import type { ExchangeAuthenticator } from "./security/authentication/exchange.ts"
import { HttpAuthenticator } from "./security/authentication/http-authenticator.ts"
import { JwtAuthenticator } from "./security/authentication/jwt-authenticator.ts"
import { ScramAuthenticator } from "./security/authentication/scram-exchange.ts"
import { type AccountStore, scramMechanisms } from "./storage/account-store.ts"

/** The ways to prove who one is: one of each for all listeners. What is not set up passes on everybody. */
export class Authenticators {
  readonly #links: Readonly<Record<Exclude<AuthenticatorName, "scram">, Authenticator>>
  readonly #scram: readonly ExchangeAuthenticator[]

  /** @throws TokenKeyError the keys of tokens cannot be read */
  constructor(settings: Settings, accounts: AccountStore, clock: Clock, log: Log) {
    const { jwt, httpAuthentication: http } = settings
    const { identity, knownUsersOnly } = settings.certificate
    this.#links = {
      certificate: new CertificateAuthenticator(accounts, identity, knownUsersOnly),
      jwt: jwt === undefined ? passesOn : new JwtAuthenticator(jwt, accounts, clock, log),
      http: http === undefined ? passesOn : new HttpAuthenticator(http, accounts, clock, log),
      password: new AccountAuthenticator(accounts, log),
    }
    this.#scram = scramMechanisms.map((mechanism) => new ScramAuthenticator(mechanism, accounts))
  }

  /** Those that the listener's settings name, in their order. */
  chainOf({ authenticators, allowsAnonymous }: ListenerSettings): AuthenticationChain {
    const links = authenticators.flatMap((name) => (name === "scram" ? [] : this.#links[name]))
    if (allowsAnonymous) links.push(anonymousAuthenticator)
    return new AuthenticationChain(links, authenticators.includes("scram") ? this.#scram : [])
  }

  /** Reads again what may have changed where it is kept. @throws TokenKeyError with what was there still in force */
  reload(): void {
    for (const link of Object.values(this.#links)) link.reload?.()
  }
}
