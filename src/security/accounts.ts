import { ReasonCode } from "../protocol/reason-code.ts"
import type { AccountStore } from "../storage/account-store.ts"
import type { AuthenticationVerdict, Authenticator, Credentials } from "./authentication.ts"
import { principalOf } from "./identity.ts"
import { PasswordVerifier } from "./password.ts"

/** The users of the store. They are read at each login, so what another process changes holds from the next one on. */
export class AccountAuthenticator implements Authenticator {
  readonly #accounts: AccountStore
  readonly #passwords = new PasswordVerifier()

  constructor(accounts: AccountStore) {
    this.#accounts = accounts
  }

  authenticate({ username, password }: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict> {
    return username === undefined ? { verdict: "pass" } : this.#verify(username, password)
  }

  async #verify(username: string, password: Uint8Array | undefined): Promise<AuthenticationVerdict> {
    const user = await this.#accounts.user(username)
    // Whether it is the name or the password that is wrong is nobody's business, so both take the same way.
    const verdict = await this.#passwords.verify(password ?? new Uint8Array(0), user?.passwordHash)
    switch (verdict) {
      case "match":
        return user === undefined
          ? { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why: "no such user" }
          : { verdict: "accept", principal: principalOf(user) }
      case "mismatch":
        return {
          verdict: "reject",
          reasonCode: ReasonCode.badUserNameOrPassword,
          why: user === undefined ? "no such user" : "wrong password",
        }
      case "busy":
        return { verdict: "reject", reasonCode: ReasonCode.serverBusy, why: "too many log in at once" }
    }
  }
}
