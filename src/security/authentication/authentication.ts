import type { ReasonCode } from "../../protocol/reason-code.ts"
import { ReasonCode as Codes } from "../../protocol/reason-code.ts"
import type { Credentials } from "./credentials.ts"
import type { AuthenticationExchange, ExchangeAuthenticator } from "./exchange.ts"
import { anonymous, type Principal } from "../identity.ts"

export type AuthenticationVerdict =
  | { readonly verdict: "accept"; readonly principal: Principal }
  /** The reason goes to the log and the audit, never to the client: a stranger need not know what was wrong. */
  | { readonly verdict: "reject"; readonly reasonCode: ReasonCode; readonly why: string }
  /** Not my kind of client: ask the next. */
  | { readonly verdict: "pass" }

export interface Authenticator {
  authenticate(credentials: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict>
  /** Reads its files again. @returns what takes over what they say @throws an error for people */
  readAgain?(): () => void
}

/** Stands where nothing is set up. */
export const passesOn: Authenticator = { authenticate: () => ({ verdict: "pass" }) }

/** What stands in the end. */
export type FinalVerdict = Exclude<AuthenticationVerdict, { verdict: "pass" }>

/**
 * Asks one authenticator after the other. The first verdict stands; a client that nobody knows is refused. Who names
 * an authentication method is asked by that method alone.
 */
export class AuthenticationChain {
  readonly #links: readonly Authenticator[]
  readonly #exchanges: ReadonlyMap<string, ExchangeAuthenticator>

  constructor(links: readonly Authenticator[], exchanges: readonly ExchangeAuthenticator[] = []) {
    this.#links = links
    this.#exchanges = new Map(exchanges.map((each) => [each.method, each]))
  }

  /** @returns undefined for a method that is not offered here */
  begin(method: string, credentials: Credentials): AuthenticationExchange | undefined {
    return this.#exchanges.get(method)?.begin(credentials)
  }

  /** Answers at once when all who are asked do: most clients are not worth a promise (bench row connection-storm). */
  authenticate(credentials: Credentials): FinalVerdict | Promise<FinalVerdict> {
    return this.#ask(0, credentials)
  }

  #ask(index: number, credentials: Credentials): FinalVerdict | Promise<FinalVerdict> {
    const link = this.#links[index]
    if (link === undefined) return nobodyKnows
    const verdict = link.authenticate(credentials)
    return verdict instanceof Promise
      ? verdict.then((settled) => this.#weigh(settled, index, credentials))
      : this.#weigh(verdict, index, credentials)
  }

  #weigh(
    verdict: AuthenticationVerdict,
    index: number,
    credentials: Credentials,
  ): FinalVerdict | Promise<FinalVerdict> {
    return verdict.verdict === "pass" ? this.#ask(index + 1, credentials) : verdict
  }
}

const nobodyKnows: FinalVerdict = {
  verdict: "reject",
  reasonCode: Codes.notAuthorized,
  why: "nobody knows such a client",
}

/** Lets in who shows no user name: the last link of a listener that allows that. */
export const anonymousAuthenticator: Authenticator = {
  authenticate: ({ username }) =>
    username === undefined ? { verdict: "accept", principal: anonymous } : { verdict: "pass" },
}
