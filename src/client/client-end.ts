import { unreachable } from "../foundation/assert.ts"
import { errorText } from "../foundation/log.ts"
import { describeReasonCode, type ReasonCode } from "../protocol/reason-code.ts"

/** Why a client's Network Connection is over. */
export type ClientEnd =
  /** We said goodbye. */
  | { readonly why: "disconnected" }
  /** The CONNACK said no [3.2.2.2]. */
  | { readonly why: "refused"; readonly reasonCode: ReasonCode; readonly detail: string | undefined }
  /** The server said goodbye, which only MQTT 5.0 can [3.14]. */
  | {
      readonly why: "server-disconnect"
      readonly reasonCode: ReasonCode
      readonly detail: string | undefined
    }
  /** The server broke the protocol, and we closed. */
  | { readonly why: "protocol-error"; readonly reasonCode: ReasonCode; readonly detail: string | undefined }
  /** Nothing was heard for a whole keep alive after a PINGREQ, or no CONNACK came in time. */
  | { readonly why: "timeout" }
  /** The connection broke without a word. */
  | { readonly why: "lost" }
  /** A callback of ours threw: a bug on this side. */
  | { readonly why: "failed"; readonly error: unknown }

/** What a promise is rejected with when the connection ends before its answer has come. */
export class ConnectionEnded extends Error {
  override readonly name = "ConnectionEnded"
  readonly end: ClientEnd

  constructor(end: ClientEnd) {
    super(describeEnd(end), end.why === "failed" ? { cause: end.error } : undefined)
    this.end = end
  }
}

/** One sentence for a person, without a full stop. */
export function describeEnd(end: ClientEnd): string {
  switch (end.why) {
    case "disconnected":
      return "disconnected"
    case "refused":
      return `the server refused the connection: ${reason(end)}`
    case "server-disconnect":
      return `the server disconnected: ${reason(end)}`
    case "protocol-error":
      return `the server broke the protocol: ${reason(end)}`
    case "timeout":
      return "the server did not answer in time"
    case "lost":
      return "the connection was lost"
    case "failed":
      return `the client failed: ${errorText(end.error)}`
    default:
      return unreachable(end)
  }
}

function reason(end: { readonly reasonCode: ReasonCode; readonly detail: string | undefined }): string {
  const name = describeReasonCode(end.reasonCode)
  return end.detail === undefined || end.detail === "" || end.detail === name
    ? name
    : `${name}, ${end.detail}`
}
