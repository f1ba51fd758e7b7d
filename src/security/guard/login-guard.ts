import { createHash } from "node:crypto"
import type { Clock } from "../../foundation/clock.ts"
import { ReasonCode } from "../../protocol/reason-code.ts"
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

/** How a try ends, by whatever way somebody was authenticated. */
type Settleable =
  { readonly verdict: "accept" } | { readonly verdict: "reject"; readonly reasonCode: ReasonCode }

interface Rejection {
  readonly verdict: "reject"
  readonly reasonCode: ReasonCode
  readonly why: string
  readonly username: string | undefined
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
  readonly #clock: Pick<Clock, "wall">
  readonly #pairs: TallyBook
  readonly #addresses: TallyBook

  /** @param clock dates what is told; whatever is measured is told the time */
  constructor(limits: LoginLimits, clock: Pick<Clock, "wall">) {
    this.#limits = limits
    this.#clock = clock
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
   * @param username or as whom else it counts; undefined: nobody knows
   */
  mayTry(address: string, username: string | undefined, nowMs: number): boolean {
    // Nobody has failed lately, as most of the time.
    if (this.#pairs.size === 0 && this.#addresses.size === 0) return true
    const pair = this.#pairs.find(pairOf(address, username), nowMs)
    const whole = this.#addresses.find(sourceOf(address), nowMs)
    if (waits(pair, nowMs) || waits(whole, nowMs)) return false
    if (pair !== undefined) this.#wait(pair, this.#waitMs(pair, this.#limits.failures), nowMs)
    if (whole !== undefined) this.#wait(whole, this.#waitMs(whole, this.#limits.failuresOfAddress), nowMs)
    return true
  }

  /** After `mayTry` has said no: what a wrong password is told, whatever was guessed, so that nobody learns by it. */
  refusal(address: string, username: string | undefined, nowMs: number): Rejection {
    const pair = this.#pairs.find(pairOf(address, username), nowMs)
    const whole = this.#addresses.find(sourceOf(address), nowMs)
    const longer = (pair?.untilMs ?? 0) >= (whole?.untilMs ?? 0) ? pair : whole
    const again = new Date(longer?.untilWallMs ?? 0).toISOString()
    const who = waits(pair, nowMs) ? "this user from this address" : "this address"
    // When, and not how long: what is refused for one reason is one entry of the audit.
    const why = `too many failed logins of ${who}, which is heard again at ${again}`
    const name = username?.startsWith(nameless) === true ? undefined : username
    return { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why, username: name }
  }

  failed(address: string, username: string | undefined, nowMs: number): void {
    const { failures, failuresOfAddress } = this.#limits
    if (failures > 0) this.#punish(this.#pairs.raise(pairOf(address, username), nowMs), failures, nowMs)
    if (failuresOfAddress > 0 && !isThisMachine(address)) {
      this.#punish(this.#addresses.raise(sourceOf(address), nowMs), failuresOfAddress, nowMs)
    }
  }

  /** The pair is forgiven. What its address did otherwise is not: one good account must not cover up for guessing. */
  succeeded(address: string, username: string | undefined, nowMs: number): void {
    if (this.#pairs.size > 0) this.#pairs.forget(pairOf(address, username))
    const whole = this.#addresses.size > 0 ? this.#addresses.find(sourceOf(address), nowMs) : undefined
    if (whole !== undefined) whole.untilMs = 0
  }

  /**
   * Takes note of what became of a try, however it was authenticated.
   *
   * @param triedAtMs when `mayTry` said yes
   * @returns what is to be told: of many tries at once those that end after one too many has failed have failed as well
   */
  settled<Verdict extends Settleable>(
    verdict: Verdict,
    address: string,
    username: string | undefined,
    triedAtMs: number,
    nowMs: number,
  ): Verdict | Rejection {
    if (verdict.verdict === "reject") {
      if (wasGuess(verdict.reasonCode)) this.failed(address, username, nowMs)
      return verdict
    }
    if (this.#wasMadeToWait(address, username, triedAtMs, nowMs)) {
      return this.refusal(address, username, nowMs)
    }
    this.succeeded(address, username, nowMs)
    return verdict
  }

  /**
   * The same where it comes out only in the end whom somebody claims to be, as in an exchange of AUTH packets, so that
   * nobody could ask `mayTry` before: who has to wait has guessed in vain.
   */
  concluded<Verdict extends Settleable>(
    verdict: Verdict,
    address: string,
    username: string | undefined,
    beganAtMs: number,
    nowMs: number,
  ): Verdict | Rejection {
    if (verdict.verdict === "reject" && !wasGuess(verdict.reasonCode)) return verdict
    if (!this.mayTry(address, username, nowMs)) return this.refusal(address, username, nowMs)
    return this.settled(verdict, address, username, beganAtMs, nowMs)
  }

  #wasMadeToWait(address: string, username: string | undefined, triedAtMs: number, nowMs: number): boolean {
    if (this.size === 0) return false
    const pair = this.#pairs.find(pairOf(address, username), nowMs)
    const whole = this.#addresses.find(sourceOf(address), nowMs)
    return Math.max(pair?.sinceMs ?? 0, whole?.sinceMs ?? 0) >= triedAtMs
  }

  #punish(tally: Tally, limit: number, nowMs: number): void {
    const waitMs = this.#waitMs(tally, limit)
    if (waitMs === 0) return
    this.#wait(tally, waitMs, nowMs)
    tally.sinceMs = nowMs
  }

  #wait(tally: Tally, waitMs: number, nowMs: number): void {
    tally.untilMs = nowMs + waitMs
    // Once: a moment later the two clocks may differ by a millisecond more, and make another sentence of it.
    tally.untilWallMs = this.#clock.wall() + waitMs
  }

  #waitMs({ level }: Tally, limit: number): number {
    const beyond = Math.ceil(level) - limit
    return beyond < 0 ? 0 : Math.min(this.#limits.longestWaitMs, firstWaitMs * 2 ** beyond)
  }
}

/** No name holds U+0000 [MQTT-1.5.4-2]. */
const nameless = "\0"

/**
 * As whom a client counts here. One that shows no name, or the empty one that MQTT before 5 wants beside a password,
 * as many do that have a token, counts as its client identifier: one whose token has expired must not make all the
 * others of its household wait.
 */
export function claimOf(username: string | undefined, clientId: string): string {
  return username === undefined || username === "" ? nameless + clientId : username
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
