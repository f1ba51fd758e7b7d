import { ChurnMap } from "../foundation/churn-map.ts"
import type { Clock, Timer } from "../foundation/clock.ts"
import { errorText, type Log } from "../foundation/log.ts"
import type { Publisher } from "../protocol/message.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { AccountStore, StoredUser } from "../storage/account-store.ts"
import { retryMs } from "./followed-accounts.ts"
import { plainPrincipal, principalOf } from "./identity.ts"
import { Requester } from "./requester.ts"
import { mayCallItself } from "./user.ts"

/** A client that was let in under a user's name. */
export interface OnlineUser {
  readonly requester: Requester
  /** What its account says may be otherwise than it was. */
  accountChanged(): void
  /** Ends its connection. */
  dismiss(reasonCode: ReasonCode): void
}

/** So many accounts are read at once: what is done with them is done in less than a millisecond or two. */
const accountsAtOnce = 200

/**
 * The clients that were let in under a user's name, and those whose wills wait. What changes in a user's account holds for
 * them from then on; whose account is gone, disabled or has another password is dismissed.
 */
export class OnlineUsers {
  readonly #accounts: AccountStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #byName = new ChurnMap<string, Set<OnlineUser>>()
  /** By user's name and client identifier: gone, but for a will that waits. */
  readonly #absent = new Map<string, Map<string, Requester>>()
  #edition = 0
  /** Up to here the changes of users were looked at. */
  #lastChange = 0
  #reading = false
  /** Some could not be looked at: a disabled user must not stay because the disk was away for a moment. */
  #isBehind = false
  /** Told once, however often it is tried again. */
  #hasComplained = false
  #retry: Timer | undefined
  #isOver = false

  constructor(accounts: AccountStore, clock: Clock, log: Log) {
    this.#accounts = accounts
    this.#clock = clock
    this.#log = log
  }

  /** How often accounts have changed. */
  get edition(): number {
    return this.#edition
  }

  /** Connections of one user. */
  countOf(name: string): number {
    return this.#byName.get(name)?.size ?? 0
  }

  /** @param edition before its account was looked at: what has changed since holds for it as well */
  arrived(user: OnlineUser, edition: number): void {
    const { username } = user.requester
    if (username === undefined) return
    this.willIsDone(user.requester)
    const others = this.#byName.get(username)
    if (others === undefined) this.#byName.set(username, new Set([user]))
    else others.add(user)
    this.recheck(username, edition)
  }

  /** @param edition before the user's account was looked at: what has changed since holds for its connections as well */
  recheck(username: string | undefined, edition: number): void {
    if (username !== undefined && edition !== this.#edition) {
      void this.#attempt(() => this.#check([username]))
    }
  }

  /** @param willWaits its will may be published later */
  left(user: OnlineUser, willWaits: boolean): void {
    const { requester } = user
    const { username } = requester
    if (username === undefined) return
    const others = this.#byName.get(username)
    others?.delete(user)
    if (others?.size === 0) this.#byName.delete(username)
    if (willWaits) this.#awaitWill(username, requester)
  }

  /**
   * It has gone before it was let in, and its will may be published later.
   *
   * @param edition before its account was looked at
   */
  leftAtTheDoor(requester: Requester, edition: number): void {
    const { username } = requester
    if (username === undefined) return
    this.#awaitWill(username, requester)
    this.recheck(username, edition)
  }

  /** It is published now, or never. */
  willIsDone({ username, clientId }: { username: string | undefined; clientId: string }): void {
    const waiting = username === undefined ? undefined : this.#absent.get(username)
    waiting?.delete(clientId)
    if (username !== undefined && waiting?.size === 0) this.#absent.delete(username)
  }

  /**
   * Wills of an earlier run wait, of which only the names are left: their accounts say who that is today.
   *
   * @param othersVouch who has no account may be somebody all the same, for a token, say, has said so; otherwise the
   * account was removed meanwhile
   */
  async recall(publishers: readonly Publisher[], othersVouch: boolean): Promise<void> {
    for (let start = 0; start < publishers.length; start += accountsAtOnce) {
      const some = publishers.slice(start, start + accountsAtOnce)
      const accounts = await this.#accountsOf(some.flatMap(({ username }) => username ?? []))
      for (const publisher of some) {
        const { username, clientId, remoteAddress } = publisher
        if (username === undefined) continue
        const account = accounts.get(username)
        const principal = account === undefined ? plainPrincipal(username) : principalOf(account)
        const requester = new Requester(principal, clientId, remoteAddress)
        const isSomebody = account === undefined ? othersVouch : account.enabled
        if (!isSomebody) requester.revoke()
        requester.leaves(publisher)
        this.#awaitWill(username, requester)
      }
    }
  }

  /** Looks at nobody any more. */
  close(): void {
    this.#isOver = true
    this.#retry?.cancel()
  }

  /** Somebody has changed accounts: those of them who are here are looked at again, a few at a time. */
  accountsChanged(): void {
    this.#edition += 1
    if (!this.#reading) void this.#checkAll()
  }

  #awaitWill(username: string, requester: Requester): void {
    const waiting = this.#absent.get(username)
    if (waiting === undefined) this.#absent.set(username, new Map([[requester.clientId, requester]]))
    else waiting.set(requester.clientId, requester)
  }

  async #checkAll(): Promise<void> {
    this.#reading = true
    this.#isBehind = false
    // What changes while they are read is read once more.
    for (let seen = -1; seen !== this.#edition;) {
      seen = this.#edition
      await this.#attempt(() => this.#checkChanged())
    }
    this.#reading = false
    if (this.#isBehind || !this.#hasComplained) return
    this.#hasComplained = false
    this.#log.info("accounts can be read again")
  }

  async #checkChanged(): Promise<void> {
    const { last, names } = await this.#accounts.usersChangedSince(this.#lastChange)
    const changed = names?.filter((name) => this.#isHere(name)) ?? this.#everybodyHere()
    for (let start = 0; start < changed.length; start += accountsAtOnce) {
      await this.#check(changed.slice(start, start + accountsAtOnce))
    }
    // Only now: what could not be read is read the next time.
    if (!this.#isBehind) this.#lastChange = last
  }

  #everybodyHere(): readonly string[] {
    return [...new Set([...this.#byName.keys(), ...this.#absent.keys()])]
  }

  #isHere(name: string): boolean {
    return this.#byName.has(name) || this.#absent.has(name)
  }

  async #check(names: readonly string[]): Promise<void> {
    const accounts = await this.#accountsOf(names)
    for (const name of names) {
      const account = accounts.get(name)
      for (const user of [...(this.#byName.get(name) ?? [])]) this.#hold(user, account)
      for (const requester of this.#absent.get(name)?.values() ?? []) update(requester, account)
    }
  }

  async #attempt(reading: () => Promise<void>): Promise<void> {
    try {
      await reading()
    } catch (error) {
      if (this.#isOver) return
      const why = errorText(error)
      if (!this.#hasComplained) {
        this.#log.error("accounts cannot be read; who is connected stays as it was", { why })
      }
      this.#hasComplained = true
      // Everybody, for who it was is not known here; and not at once, for the disk needs its time.
      this.#lastChange = 0
      this.#isBehind = true
      this.#tryLater()
    }
  }

  #tryLater(): void {
    this.#retry ??= this.#clock.at(this.#clock.now() + retryMs, () => {
      this.#retry = undefined
      if (!this.#isBehind) return
      if (this.#reading) this.#tryLater()
      else void this.#checkAll()
    })
  }

  #hold(user: OnlineUser, account: StoredUser | undefined): void {
    const { requester } = user
    const why = update(requester, account)
    if (why === undefined) return user.accountChanged()
    this.#log.info("a client is dismissed", { client: requester.clientId, user: requester.username, why })
    user.dismiss(ReasonCode.administrativeAction)
  }

  async #accountsOf(names: readonly string[]): Promise<ReadonlyMap<string, StoredUser>> {
    const accounts = await this.#accounts.usersNamed(names)
    return new Map(accounts.map((account) => [account.name, account]))
  }
}

/**
 * The requester is from now on what its account says.
 *
 * @returns why it may do nothing any more, if that is so
 */
function update(requester: Requester, account: StoredUser | undefined): string | undefined {
  const { principal } = requester
  const before = principal.account
  const why = before === undefined ? endOfVouched(account) : endOf(before, account, requester.clientId)
  if (why !== undefined) {
    requester.revoke()
    return why
  }
  if (before === undefined || account === undefined || Bun.deepEquals(before, account)) return undefined
  const { superuser, groups, attributes, limits } = account
  requester.become({ ...principal, superuser, groups, attributes, limits, account })
  return undefined
}

/** Somebody else has vouched for it: all that an account of its name can do is to shut it out. */
function endOfVouched(account: StoredUser | undefined): string | undefined {
  return account?.enabled === false ? "the user was disabled" : undefined
}

function endOf(before: StoredUser, account: StoredUser | undefined, clientId: string): string | undefined {
  if (account === undefined) return "the user was removed"
  if (!account.enabled) return "the user was disabled"
  if (account.passwordSetAtMs !== before.passwordSetAtMs) return "the user has another password"
  if (!mayCallItself(account.clientId, clientId)) return "the user may not call itself so any more"
  return undefined
}
