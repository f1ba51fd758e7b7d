import type { ReasonCode } from "../protocol/reason-code.ts"
import { ReasonCode as Codes } from "../protocol/reason-code.ts"

/** Who a client was found to be. */
export interface Principal {
  /** Undefined: anonymous. */
  readonly username: string | undefined
}

/** What is known of a client while its connection lasts: all that its rights may depend on. */
export interface Identity extends Principal {
  readonly clientId: string
  /**
   * Undefined where nobody knows it any more, as of a will that outlived the process: then a rule that allows from
   * certain addresses fails, and one that denies holds.
   */
  readonly remoteAddress: string | undefined
}

/** What a client shows of itself at CONNECT [3.1.3.5, 3.1.3.6]. */
export interface Credentials {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly remoteAddress: string
  /** Whether the listener lets in whoever shows no user name. */
  readonly anonymousAllowed: boolean
}

export type AuthenticationVerdict =
  | { readonly verdict: "accept"; readonly principal: Principal }
  | { readonly verdict: "reject"; readonly reasonCode: ReasonCode }
  /** Not my kind of client: ask the next. */
  | { readonly verdict: "pass" }

export interface Authenticator {
  authenticate(credentials: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict>
}

/** What stands in the end. */
export type FinalVerdict = Exclude<AuthenticationVerdict, { verdict: "pass" }>

/** Asks one authenticator after the other. The first verdict stands; a client that nobody knows is refused. */
export class AuthenticationChain {
  readonly #links: readonly Authenticator[]

  constructor(links: readonly Authenticator[]) {
    this.#links = links
  }

  /** Answers at once when all who are asked do: most clients are not worth a promise (bench row connection-storm). */
  authenticate(credentials: Credentials): FinalVerdict | Promise<FinalVerdict> {
    return this.#ask(0, credentials)
  }

  #ask(index: number, credentials: Credentials): FinalVerdict | Promise<FinalVerdict> {
    const link = this.#links[index]
    if (link === undefined) return { verdict: "reject", reasonCode: Codes.notAuthorized }
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

/** Lets in who shows no user name, where the listener allows that. */
export const anonymousAuthenticator: Authenticator = {
  authenticate({ username, anonymousAllowed }) {
    if (username !== undefined || !anonymousAllowed) return { verdict: "pass" }
    return { verdict: "accept", principal: { username: undefined } }
  },
}
