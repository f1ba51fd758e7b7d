import type { ReasonCode } from "../../protocol/reason-code.ts"
import type { Credentials } from "./credentials.ts"
import type { Principal } from "../identity.ts"

/** What a step of an exchange leads to. */
export type ExchangeVerdict =
  /** The data, if there is any, goes with the CONNACK, or with the AUTH that ends a re-authentication. */
  | { readonly verdict: "accept"; readonly principal: Principal; readonly data: Uint8Array | undefined }
  /** The reason goes to the log and the audit, never to the client. */
  | {
      readonly verdict: "reject"
      readonly reasonCode: ReasonCode
      readonly why: string
      /** Who it claims to be, as far as the exchange has got to know that. */
      readonly username?: string | undefined
    }
  /** The client is to answer this. */
  | { readonly verdict: "continue"; readonly data: Uint8Array }

/** How an exchange ends. */
export type ExchangeOutcome = Exclude<ExchangeVerdict, { verdict: "continue" }>

/** One attempt of one client to prove who it is, in as many steps as it takes. */
export interface AuthenticationExchange {
  /**
   * Asked once at a time, and never again after it has accepted or rejected.
   *
   * @param data what the client has sent, its own to keep; undefined when it has sent none
   */
  step(data: Uint8Array | undefined): ExchangeVerdict | Promise<ExchangeVerdict>
}

/** A way to prove who one is that takes a conversation: enhanced authentication [4.12]. */
export interface ExchangeAuthenticator {
  /** As clients name it in their CONNECT [3.1.2.11.9]. */
  readonly method: string
  begin(credentials: Credentials): AuthenticationExchange
}
