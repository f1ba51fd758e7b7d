import { encodePacket } from "../protocol/encoder.ts"
import type { Auth } from "../protocol/packet.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { AuthenticationChain, FinalVerdict } from "../security/authentication/authentication.ts"
import type { Credentials } from "../security/authentication/credentials.ts"
import type {
  AuthenticationExchange,
  ExchangeOutcome,
  ExchangeVerdict,
} from "../security/authentication/exchange.ts"

/** One for each packet of the client. SCRAM takes two; who needs many more wants to keep us busy. */
const mostSteps = 10

/** By what a client has proven who it is, and may do so again. */
export interface Proof {
  readonly method: string
  /** The last word of the exchange, for the CONNACK. */
  readonly data: Uint8Array | undefined
  /** A new exchange by the same method [4.12.1]. */
  again(): AuthenticationExchange | undefined
}

/** How it was found who a client is. */
export type ProvenVerdict =
  | Extract<ExchangeOutcome, { verdict: "reject" }>
  | (Extract<FinalVerdict, { verdict: "accept" }> & { readonly proof?: Proof })

export interface ExchangeOptions {
  readonly method: string
  readonly exchange: AuthenticationExchange
  /** What the client takes [3.1.2.11.4]. */
  readonly maximumPacketBytes: number
  /** Sends the packet and reads on. What it throws ends the exchange. */
  ask(auth: Auth): void
}

/**
 * One exchange of AUTH packets with one client, at CONNECT or later [4.12]: each side in its turn, one packet at a time.
 * Whatever the exchange itself answers at once or after a while is taken after a while, so that nobody has to be ready
 * for both.
 */
export class Authenticating {
  /** How it ended. Rejected by what was thrown in it: a rule that the client broke, or a bug. */
  readonly outcome: Promise<ExchangeOutcome>
  readonly #options: ExchangeOptions
  readonly #settle: (outcome: ExchangeOutcome) => void
  readonly #fail: (error: unknown) => void
  #turn: "ours" | "theirs" | "accepted" | "rejected" = "theirs"
  #isAbandoned = false
  #steps = 0

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { promise, resolve, reject } = Promise.withResolvers<ExchangeOutcome>()
    this.outcome = promise
    this.#settle = resolve
    this.#fail = reject
  }

  /**
   * Packets of the client are to be read: it is its turn, or it is let in and has sent what stands there before it
   * could know that.
   */
  get listens(): boolean {
    return this.#turn === "theirs" || this.#turn === "accepted"
  }

  /** The first word is the client's. */
  begin(data: Uint8Array | undefined): void {
    this.#step(data).catch(this.#fail)
  }

  /** @throws ProtocolError for an AUTH that does not go on with this exchange */
  auth({ reasonCode, properties }: Auth): void {
    if (properties.authenticationMethod !== this.#options.method) {
      throw protocolError("AUTH by another method than that of the CONNECT [MQTT-4.12.0-5]")
    }
    if (reasonCode !== ReasonCode.continueAuthentication) {
      throw protocolError("AUTH that does not go on with the authentication [MQTT-4.12.0-3]")
    }
    if (this.#turn !== "theirs") throw protocolError("AUTH out of turn [4.12]")
    this.#step(properties.authenticationData).catch(this.#fail)
  }

  /** The client is gone, or is to go: it is asked nothing more. */
  abandon(): void {
    this.#isAbandoned = true
    if (this.#turn === "theirs") this.#reject(abandoned)
  }

  async #step(data: Uint8Array | undefined): Promise<void> {
    this.#turn = "ours"
    this.#steps += 1
    if (this.#steps > mostSteps) {
      this.#reject({
        verdict: "reject",
        reasonCode: ReasonCode.notAuthorized,
        why: `no end after ${mostSteps} steps of ${this.#options.method}`,
      })
      return
    }
    this.#weigh(await this.#options.exchange.step(data))
  }

  #weigh(verdict: ExchangeVerdict): void {
    if (verdict.verdict === "reject") return this.#reject(verdict)
    if (verdict.verdict === "accept") {
      this.#turn = "accepted"
      return this.#settle(verdict)
    }
    if (this.#isAbandoned) return this.#reject(abandoned)
    const { method, maximumPacketBytes } = this.#options
    const auth = authPacket(ReasonCode.continueAuthentication, method, verdict.data)
    if (!fits(auth, maximumPacketBytes)) return this.#reject(tooSmall)
    this.#turn = "theirs"
    this.#options.ask(auth)
  }

  #reject(outcome: ExchangeOutcome): void {
    this.#turn = "rejected"
    this.#settle(outcome)
  }
}

const abandoned: ExchangeOutcome = {
  verdict: "reject",
  reasonCode: ReasonCode.unspecifiedError,
  why: "it left before it had proven who it is",
}

const tooSmall: ExchangeOutcome = {
  verdict: "reject",
  reasonCode: ReasonCode.packetTooLarge,
  why: "its maximum packet size leaves no room for authentication [MQTT-3.1.2-24]",
}

/** Every AUTH names the method of the CONNECT [MQTT-4.12.0-5]. */
export function authPacket(
  reasonCode: ReasonCode,
  authenticationMethod: string,
  authenticationData: Uint8Array | undefined,
): Auth {
  const properties = { authenticationMethod, ...(authenticationData !== undefined && { authenticationData }) }
  return { type: "auth", reasonCode, properties }
}

export function fits(auth: Auth, maximumPacketBytes: number): boolean {
  return encodePacket(auth, 5).length <= maximumPacketBytes
}

/** Holds the exchange with the client, and tells how it ended. */
export type Converse = (method: string, exchange: AuthenticationExchange) => Promise<ExchangeOutcome>

/** Lets a client prove who it is by the method that it names. */
export async function prove(
  method: string,
  credentials: Credentials,
  authentication: AuthenticationChain,
  converse: Converse,
): Promise<ProvenVerdict> {
  const exchange = authentication.begin(method, credentials)
  if (exchange === undefined) {
    return {
      verdict: "reject",
      reasonCode: ReasonCode.badAuthenticationMethod,
      why: `authentication method ${method.slice(0, 40)} is not offered on ${credentials.listener}`,
    }
  }
  const outcome = await converse(method, exchange)
  if (outcome.verdict === "reject") return outcome
  const { principal, data } = outcome
  // It may show that it is the same as before, and nobody else.
  const known = { ...credentials, username: principal.username, password: undefined }
  return { ...outcome, proof: { method, data, again: () => authentication.begin(method, known) } }
}
