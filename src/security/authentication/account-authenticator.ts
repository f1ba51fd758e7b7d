import { errorText, type Log } from "../../foundation/log.ts"
import { ReasonCode } from "../../protocol/reason-code.ts"
import type { AccountStore, StoredUser } from "../../storage/account-store.ts"
import type { AuthenticationVerdict, Authenticator } from "./authentication.ts"
import type { Credentials } from "./credentials.ts"
import { principalOf } from "../identity.ts"
import { isOutdatedHash, PasswordVerifier } from "./password.ts"
import { VerifiedPasswords } from "./verified-passwords.ts"

/** Under this name the broker itself appears where it is asked who changed an account. */
const ourselves = "bantam"

/** The users of the store. They are read at each login, so what another process changes holds from the next one on. */
export class AccountAuthenticator implements Authenticator {
  readonly #accounts: AccountStore
  readonly #log: Log
  readonly #passwords = new PasswordVerifier()
  readonly #verified = new VerifiedPasswords()

  constructor(accounts: AccountStore, log: Log) {
    this.#accounts = accounts
    this.#log = log
  }

  authenticate({ username, password }: Credentials): AuthenticationVerdict | Promise<AuthenticationVerdict> {
    return username === undefined
      ? { verdict: "pass" }
      : this.#verify(username, password ?? new Uint8Array(0))
  }

  async #verify(username: string, password: Uint8Array): Promise<AuthenticationVerdict> {
    const user = await this.#accounts.user(username)
    const hash = user?.passwordHash
    if (user !== undefined && hash !== undefined && this.#verified.has(username, password, hash)) {
      return letIn(user)
    }
    // Whether it is the name or the password that is wrong is nobody's business, so both take the same way.
    const verdict = await this.#passwords.verify(password, hash)
    switch (verdict) {
      case "match":
        if (user === undefined || hash === undefined) return refused("no such user")
        if (isOutdatedHash(hash)) void this.#rehash(username, password, hash)
        else this.#verified.add(username, password, hash)
        return letIn(user)
      case "mismatch":
        return refused(user === undefined ? "no such user" : "wrong password")
      case "unreadable":
        return refused("the stored hash of the password is of no kind that is known; set the password anew")
      case "busy":
        return { verdict: "reject", reasonCode: ReasonCode.serverBusy, why: "too many log in at once" }
    }
  }

  /** A hash that came from elsewhere becomes one of ours, now that the password is known. */
  async #rehash(username: string, password: Uint8Array, before: string): Promise<void> {
    // The connection's bytes are not ours to keep.
    const kept = new Uint8Array(password)
    try {
      const after = await this.#passwords.hash(kept)
      // Too many log in: the next time will do.
      if (after === undefined) return
      const change = { change: "rehash", name: username, before, after } as const
      const [changed] = await this.#accounts.change(ourselves, [{ change, said: undefined }])
      if (changed === true) this.#verified.add(username, kept, after)
    } catch (error) {
      const why = errorText(error)
      this.#log.warn("a password could not be hashed anew", { user: username, why })
    }
  }
}

function letIn(user: StoredUser): AuthenticationVerdict {
  // Only now: a stranger is not to learn that there is such a user.
  return user.enabled ? { verdict: "accept", principal: principalOf(user) } : refused("the user is disabled")
}

function refused(why: string): AuthenticationVerdict {
  return { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why }
}
