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

/** Asks one authenticator after the other. The first verdict stands; a client that nobody knows is refused. */
export class AuthenticationChain {
  readonly #links: readonly Authenticator[]

  constructor(links: readonly Authenticator[]) {
    this.#links = links
  }

  async authenticate(credentials: Credentials): Promise<Exclude<AuthenticationVerdict, { verdict: "pass" }>> {
    for (const link of this.#links) {
      const verdict = await link.authenticate(credentials)
      if (verdict.verdict !== "pass") return verdict
    }
    return { verdict: "reject", reasonCode: Codes.notAuthorized }
  }
}

/** Lets in who shows no user name, where the listener allows that. */
export const anonymousAuthenticator: Authenticator = {
  authenticate({ username, anonymousAllowed }) {
    if (username !== undefined || !anonymousAllowed) return { verdict: "pass" }
    return { verdict: "accept", principal: { username: undefined } }
  },
}
