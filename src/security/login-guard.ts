import { createHash } from "node:crypto"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { FinalVerdict } from "./authentication.ts"
import { isThisMachine, sourceOf } from "./source-address.ts"
import { type Tally, TallyBook } from "./tally-book.ts"

export interface LoginLimits {
  /** Failures of one user name from one address within the window before it has to wait; 0: it never has to. */
  readonly failures: number
  /** The same for all user names from one address. */
  readonly failuresOfAddress: number
  readonly windowMs: number
  readonly longestWaitMs: number
}

/** The first wait. Each failure after it doubles the next. */
const firstWaitMs = 1_000
/** Pairs, and addresses. About 4 MB when both are full. */
const mostRemembered = 20_000
/** A longer user name is remembered by its digest: a stranger may send 64 KiB. */
const longestNameKept = 64

/**
 * Slows down whoever guesses passwords. Each failed login counts against the pair of source address and user name, and
 * against the address; a pair or an address with too many has to wait, twice as long each time, and while it waits
 * nothing it says is looked at. What counts melts away at the rate of the limit, so that in the long run a pair has as
 * many guesses in a window as the limit says, and no more, however it spends them.
 *
 * A user is never locked out of other addresses than those that failed. This machine's own addresses are not held
 * liable as a whole, for everybody may stand behind a proxy.
 */
export class LoginGuard {
  readonly #limits: LoginLimits
  readonly #pairs: TallyBook
  readonly #addresses: TallyBook

  constructor(limits: LoginLimits) {
    this.#limits = limits
    this.#pairs = new TallyBook(mostRemembered, limits.failures / limits.windowMs)
    this.#addresses = new TallyBook(mostRemembered, limits.failuresOfAddress / limits.windowMs)
  }

  /** How much it remembers: pairs and addresses together. */
  get size(): number {
    return this.#pairs.size + this.#addresses.size
  }

  /**
   * Asked before a password is verified. Who has failed too often gets one try at a time: with the yes its wait begins
   * anew, so that a hundred connections at once are no hundred guesses. Only `succeeded` ends it early.
   *
   * @param username undefined: a password without a name
   */
  mayTry(address: string, username: string | undefined, nowMs: number): boolean {
    // Nobody has failed lately, as most of the time.
    if (this.#pairs.size === 0 && this.#addresses.size === 0) return true
    const pair = this.#pairs.find(pairOf(address, username), nowMs)
    const whole = this.#addresses.find(sourceOf(address), nowMs)
    if (waits(pair, nowMs) || waits(whole, nowMs)) return false
    if (pair !== undefined) this.#makeWait(pair, this.#limits.failures, nowMs)
    if (whole !== undefined) this.#makeWait(whole, this.#limits.failuresOfAddress, nowMs)
    return true
  }

  /** For the log, after `mayTry` has said no. */
  whyNot(address: string, username: string | undefined, nowMs: number): string {
    const pair = this.#pairs.find(pairOf(address, username), nowMs)
    const whole = this.#addresses.find(sourceOf(address), nowMs)
    const untilMs = Math.max(pair?.untilMs ?? 0, whole?.untilMs ?? 0)
    const who = waits(pair, nowMs) ? "this user from this address" : "this address"
    return `too many failed logins of ${who}; it is heard again in ${Math.ceil((untilMs - nowMs) / 1000)} s`
  }

  failed(address: string, username: string | undefined, nowMs: number): void {
    const { failures, failuresOfAddress } = this.#limits
    if (failures > 0) this.#makeWait(this.#pairs.raise(pairOf(address, username), nowMs), failures, nowMs)
    if (failuresOfAddress > 0 && !isThisMachine(address)) {
      this.#makeWait(this.#addresses.raise(sourceOf(address), nowMs), failuresOfAddress, nowMs)
    }
  }

  /** The pair is forgiven. What its address did otherwise is not: one good account must not cover up for guessing. */
  succeeded(address: string, username: string | undefined, nowMs: number): void {
    if (this.#pairs.size > 0) this.#pairs.forget(pairOf(address, username))
    const whole = this.#addresses.size > 0 ? this.#addresses.find(sourceOf(address), nowMs) : undefined
    if (whole !== undefined) whole.untilMs = 0
  }

  /** Takes note of what became of a try, however it was authenticated. */
  settled(verdict: FinalVerdict, address: string, username: string | undefined, nowMs: number): void {
    if (verdict.verdict === "accept") this.succeeded(address, username, nowMs)
    else if (wasGuess(verdict.reasonCode)) this.failed(address, username, nowMs)
  }

  #makeWait(tally: Tally, limit: number, nowMs: number): void {
    const beyond = Math.ceil(tally.level) - limit
    if (beyond < 0) return
    tally.untilMs = nowMs + Math.min(this.#limits.longestWaitMs, firstWaitMs * 2 ** beyond)
  }
}

function waits(tally: Tally | undefined, nowMs: number): boolean {
  return tally !== undefined && nowMs < tally.untilMs
}

function pairOf(address: string, username = ""): string {
  const name =
    username.length <= longestNameKept ? username : createHash("sha256").update(username).digest("base64")
  return `${sourceOf(address)} ${name}`
}

/** That we are busy, or cannot reach whom we ask, says nothing about the password. */
function wasGuess(reasonCode: ReasonCode): boolean {
  return reasonCode === ReasonCode.badUserNameOrPassword || reasonCode === ReasonCode.notAuthorized
}
