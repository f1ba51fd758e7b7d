import { randomBytes } from "node:crypto"
import { unreachable } from "../../foundation/assert.ts"
import { ReasonCode } from "../../protocol/reason-code.ts"
import type {
  AccountStore,
  ScramCredential,
  ScramMechanism,
  StoredUser,
} from "../../storage/account-store.ts"
import type { Credentials } from "./credentials.ts"
import type { AuthenticationExchange, ExchangeAuthenticator, ExchangeVerdict } from "./exchange.ts"
import { principalOf } from "../identity.ts"
import { saslprep } from "./saslprep.ts"
import { decoyCredential, provesPassword, serverSignature } from "./scram.ts"
import { parseClientFinal, parseClientFirst } from "./scram-message.ts"

/** Users of the store who prove that they know their password without telling it [RFC 5802, RFC 7677]. */
export class ScramAuthenticator implements ExchangeAuthenticator {
  readonly method: ScramMechanism
  readonly #accounts: AccountStore

  constructor(method: ScramMechanism, accounts: AccountStore) {
    this.method = method
    this.#accounts = accounts
  }

  begin({ username }: Credentials): AuthenticationExchange {
    return new ScramExchange(this.method, this.#accounts, username)
  }
}

type State =
  | { readonly at: "first" }
  | {
      readonly at: "final"
      readonly username: string
      readonly credential: ScramCredential
      readonly nonce: string
      readonly gs2Header: string
      /** What was said so far, as it goes into the proof. */
      readonly said: string
    }
  | { readonly at: "over" }

const nonceBytes = 18

class ScramExchange implements AuthenticationExchange {
  readonly #mechanism: ScramMechanism
  readonly #accounts: AccountStore
  readonly #connectName: string | undefined
  #state: State = { at: "first" }

  /** @param connectName the user name beside the method, which then must be the same */
  constructor(mechanism: ScramMechanism, accounts: AccountStore, connectName: string | undefined) {
    this.#mechanism = mechanism
    this.#accounts = accounts
    this.#connectName = connectName
  }

  async step(data: Uint8Array | undefined): Promise<ExchangeVerdict> {
    const state = this.#state
    this.#state = { at: "over" }
    switch (state.at) {
      case "first":
        return this.#first(data)
      case "final":
        return this.#final(data, state)
      case "over":
        return refusal("SCRAM goes on behind its end", undefined)
      default:
        return unreachable(state)
    }
  }

  async #first(data: Uint8Array | undefined): Promise<ExchangeVerdict> {
    if (data === undefined) {
      // The method alone, with the first message still to come [RFC 4422, section 3.3].
      this.#state = { at: "first" }
      return { verdict: "continue", data: new Uint8Array(0) }
    }
    const message = parseClientFirst(data)
    if ("problem" in message) return refusal(`a first SCRAM message with ${message.problem}`, undefined)
    const username = saslprep(message.username)
    if (username === undefined) return refusal("a user name that nobody may have [RFC 4013]", undefined)
    const { authorizationIdentity } = message
    if (authorizationIdentity !== undefined && saslprep(authorizationIdentity) !== username) {
      return refusal("it wants to act for another user", username)
    }
    if (this.#connectName !== undefined && saslprep(this.#connectName) !== username) {
      return refusal("another user in SCRAM than beside it", username)
    }
    const decoy = decoyCredential(this.#mechanism, username)
    const credential = this.#credentialOf(await this.#accounts.user(username)) ?? decoy
    const nonce = message.nonce + randomBytes(nonceBytes).toString("base64")
    const challenge = `r=${nonce},s=${credential.salt},i=${credential.iterations}`
    const { gs2Header, bare } = message
    this.#state = { at: "final", username, credential, nonce, gs2Header, said: `${bare},${challenge}` }
    return { verdict: "continue", data: Buffer.from(challenge) }
  }

  async #final(
    data: Uint8Array | undefined,
    { username, credential, nonce, gs2Header, said }: Extract<State, { at: "final" }>,
  ): Promise<ExchangeVerdict> {
    const message = parseClientFinal(data ?? new Uint8Array(0))
    if ("problem" in message) return refusal(`a final SCRAM message with ${message.problem}`, username)
    if (message.channelBinding !== Buffer.from(gs2Header).toString("base64")) {
      return refusal("what it said of channel binding was changed on the way", username)
    }
    if (message.nonce !== nonce) return refusal("another nonce than ours", username)
    const authMessage = `${said},${message.withoutProof}`
    const isProven = provesPassword(credential, authMessage, message.proof)
    // As it is now: it may have been disabled, or its password changed, since the challenge was made.
    const user = await this.#accounts.user(username)
    // Nothing of what is wrong may be told to the client, be it by words or by time: it is nobody's business.
    if (user === undefined) return refusal("no such user", username)
    const why = this.#objection(user, credential, isProven)
    if (why !== undefined) return refusal(why, username)
    const signature = `v=${serverSignature(credential, authMessage)}`
    return { verdict: "accept", principal: principalOf(user), data: Buffer.from(signature) }
  }

  #objection(user: StoredUser, credential: ScramCredential, isProven: boolean): string | undefined {
    const own = this.#credentialOf(user)
    if (own === undefined) return `the user has no credentials for ${this.#mechanism}`
    if (own.salt !== credential.salt || own.storedKey !== credential.storedKey) {
      return "the password was changed in the meantime"
    }
    if (!isProven) return "wrong password"
    return user.enabled ? undefined : "the user is disabled"
  }

  #credentialOf(user: StoredUser | undefined): ScramCredential | undefined {
    return user?.scram.find(({ mechanism }) => mechanism === this.#mechanism)
  }
}

function refusal(why: string, username: string | undefined): ExchangeVerdict {
  return { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why, username }
}
