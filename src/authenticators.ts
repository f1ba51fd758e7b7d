import type { AuthenticatorName } from "./config/schema.ts"
import type { ListenerSettings, Settings } from "./config/settings.ts"
import type { Clock } from "./foundation/clock.ts"
import type { Log } from "./foundation/log.ts"
import { AccountAuthenticator } from "./security/authentication/account-authenticator.ts"
import {
  AuthenticationChain,
  type Authenticator,
  anonymousAuthenticator,
  passesOn,
} from "./security/authentication/authentication.ts"
import { CertificateAuthenticator } from "./security/authentication/certificate-authenticator.ts"
import type { ExchangeAuthenticator } from "./security/authentication/exchange.ts"
import { ScramAuthenticator } from "./security/authentication/scram-exchange.ts"
import { type AccountStore, scramMechanisms } from "./storage/account-store.ts"

type Links = Readonly<Record<Exclude<AuthenticatorName, "scram">, Authenticator>>

/** The ways to prove who one is: one of each for all listeners. What is not set up passes on everybody. */
export class Authenticators {
  readonly #links: Links
  readonly #scram: readonly ExchangeAuthenticator[]

  private constructor(links: Links, scram: readonly ExchangeAuthenticator[]) {
    this.#links = links
    this.#scram = scram
  }

  /** @throws TokenKeyError the keys of tokens cannot be read */
  static async of(
    settings: Settings,
    accounts: AccountStore,
    clock: Clock,
    log: Log,
  ): Promise<Authenticators> {
    const { identity, knownUsersOnly } = settings.certificate
    const links = {
      certificate: new CertificateAuthenticator(accounts, identity, knownUsersOnly),
      jwt: await tokensOf(settings, accounts, clock, log),
      http: await serviceOf(settings, accounts, clock, log),
      password: new AccountAuthenticator(accounts, log),
    }
    return new Authenticators(
      links,
      scramMechanisms.map((mechanism) => new ScramAuthenticator(mechanism, accounts)),
    )
  }

  /** Those that the listener's settings name, in their order. */
  chainOf({ authenticators, allowsAnonymous }: ListenerSettings): AuthenticationChain {
    const links = authenticators.flatMap((name) => (name === "scram" ? [] : this.#links[name]))
    if (allowsAnonymous) links.push(anonymousAuthenticator)
    return new AuthenticationChain(links, authenticators.includes("scram") ? this.#scram : [])
  }

  /** Reads again what may have changed where it is kept. @returns what puts it in force @throws TokenKeyError */
  readAgain(): () => void {
    const read = Object.values(this.#links).map((link) => link.readAgain?.())
    return () => {
      for (const take of read) take?.()
    }
  }
}

// What stands behind these two is large, and loaded where it is set up alone: a broker starts a tenth faster without.

async function tokensOf(
  { jwt }: Settings,
  accounts: AccountStore,
  clock: Clock,
  log: Log,
): Promise<Authenticator> {
  if (jwt === undefined) return passesOn
  const { JwtAuthenticator } = await import("./security/authentication/jwt-authenticator.ts")
  return new JwtAuthenticator(jwt, accounts, clock, log)
}

async function serviceOf(
  { httpAuthentication }: Settings,
  accounts: AccountStore,
  clock: Clock,
  log: Log,
): Promise<Authenticator> {
  if (httpAuthentication === undefined) return passesOn
  const { HttpAuthenticator } = await import("./security/authentication/http-authenticator.ts")
  return new HttpAuthenticator(httpAuthentication, accounts, clock, log)
}
