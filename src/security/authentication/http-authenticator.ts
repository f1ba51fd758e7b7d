import { isUtf8 } from "node:buffer"
import type { Clock } from "../../foundation/clock.ts"
import { errorText, type Log } from "../../foundation/log.ts"
import { ReasonCode } from "../../protocol/reason-code.ts"
import type { AccountStore } from "../../storage/account-store.ts"
import type { AuthenticationVerdict, Authenticator } from "./authentication.ts"
import type { Credentials } from "./credentials.ts"
import { readBounded } from "./bounded-body.ts"
import { type HttpAnswer, readAnswer } from "./http-answer.ts"
import { RememberedAnswers } from "./remembered-answers.ts"
import { Turnstile } from "./turnstile.ts"
import { admit, refused } from "./vouched.ts"

/** Whom to ask, and how. */
export interface HttpOptions {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly timeoutMs: number
  /** Who was let in is let in again for so long; 0: is asked for again. */
  readonly cacheSeconds: number
  /** Questions under way at a time. */
  readonly atOnce: number
  /** What becomes of a client for whom there is no answer. */
  readonly onError: "deny" | "pass"
}

const mostWaiting = 1_000
const mostBytes = 65_536
const noBody = new Uint8Array(0)

/** Asks a service about every client that comes, by POST. It follows no redirect: whoever answers is who was named. */
export class HttpAuthenticator implements Authenticator {
  readonly #options: HttpOptions
  readonly #accounts: AccountStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #headers: Headers
  readonly #turnstile: Turnstile
  readonly #remembered: RememberedAnswers

  constructor(options: HttpOptions, accounts: AccountStore, clock: Clock, log: Log) {
    this.#options = options
    this.#accounts = accounts
    this.#clock = clock
    this.#log = log
    this.#remembered = new RememberedAnswers(options.cacheSeconds, clock)
    this.#turnstile = new Turnstile({ atOnce: options.atOnce, waiting: mostWaiting })
    this.#headers = new Headers(options.headers.map(([name, value]): [string, string] => [name, value]))
    this.#headers.set("content-type", "application/json")
    this.#headers.set("accept", "application/json")
  }

  async authenticate(credentials: Credentials): Promise<AuthenticationVerdict> {
    const question = questionAbout(credentials)
    const known = this.#remembered.to(question)
    if (known !== undefined) return admit(known, this.#accounts)
    const answer = await this.#turnstile.inTurn(() => this.#ask(question, credentials))
    if (answer === undefined) {
      const why = "too many wait for the authentication service"
      return { verdict: "reject", reasonCode: ReasonCode.serverBusy, why }
    }
    switch (answer.result) {
      case "allow":
        this.#remembered.add(question, answer.principal)
        return admit(answer.principal, this.#accounts)
      case "deny":
        return refused(answer.why)
      case "ignore":
        return { verdict: "pass" }
      case "none":
        return this.#without(answer.why, credentials)
    }
  }

  async #ask(question: string, { username }: Credentials): Promise<HttpAnswer> {
    const { url, timeoutMs } = this.#options
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: this.#headers,
        body: question,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      })
      const { status } = response
      // Only then does it say more than its status.
      const body = status === 200 ? await readBounded(response, mostBytes) : noBody
      if (body === noBody) await response.body?.cancel()
      return readAnswer(status, body, username, this.#clock.wall())
    } catch (error) {
      // Whatever it was, it lets nobody in.
      const why = errorText(error)
      return { result: "none", why }
    }
  }

  #without(why: string, { clientId }: Credentials): AuthenticationVerdict {
    const what = "the authentication service gives no answer"
    if (this.#options.onError === "deny") {
      return { verdict: "reject", reasonCode: ReasonCode.serverUnavailable, why: `${what}: ${why}` }
    }
    // A refusal is in the log in any case; this would not be.
    this.#log.warn(what, { client: clientId, why })
    return { verdict: "pass" }
  }
}

/** The names are those that services written for EMQX know. What the client did not show is left out. */
function questionAbout(credentials: Credentials): string {
  const { clientId, username, password, remoteAddress, certificate, listener } = credentials
  return JSON.stringify({
    clientid: clientId,
    username,
    ...(password !== undefined && passwordOf(password)),
    peerhost: remoteAddress,
    listener,
    ...(certificate !== undefined && {
      cert_common_name: certificate.commonName,
      cert_fingerprint: certificate.fingerprint256,
    }),
  })
}

function passwordOf(
  password: Uint8Array,
): { readonly password: string } | { readonly password_base64: string } {
  // A byte order mark belongs to the password.
  if (isUtf8(password)) return { password: new TextDecoder("utf-8", { ignoreBOM: true }).decode(password) }
  return { password_base64: Buffer.from(password).toString("base64") }
}
