import { type ClientEnd, describeEnd } from "../src/client/client-end.ts"
import type { PublishAnswer } from "../src/client/sender.ts"
import type { ProtocolVersion } from "../src/protocol/packet.ts"
import {
  connectReturnCode,
  describeReasonCode,
  isError,
  type ReasonCode,
} from "../src/protocol/reason-code.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { harmless } from "./harmless.ts"

/** Exit codes of Mosquitto's clients, besides 0, 1 for a wrong command line, and the server's own reason codes. */
export const ExitCode = {
  protocolError: 2,
  connectionLost: 7,
  tls: 8,
  unreachable: 14,
  noAnswer: 19,
  timedOut: 27,
  notAsExpected: 65,
} as const

export type MannerName = "bantam" | "mosquitto"

/** What is said on standard error, without a full stop, and what the process then exits with. */
export interface Complaint {
  readonly sentence: string
  readonly exitCode: number
}

/** How a client command answers what goes wrong: our way, or as Mosquitto's own programs do. */
export interface Manner {
  readonly name: MannerName
  /** A sentence as it stands on standard error. */
  line(sentence: string): string
  unreachable(error: unknown, target: ConnectTarget): Complaint
  /** @param end of a connection that we did not end */
  ended(end: ClientEnd, version: ProtocolVersion): Complaint
  /** @param count how many were published, this one included */
  publishRefused(topic: string, answer: PublishAnswer, count: number): Complaint
  allDenied(first: ReasonCode): Complaint
  /** Of the one subscription that a request needs. */
  responseDenied(filter: string, reasonCode: ReasonCode): Complaint
  /** Undefined: nothing is said. */
  someDenied(filter: string, reasonCode: ReasonCode): Complaint | undefined
  readonly timedOut: Complaint
}

export const bantamManner: Manner = {
  name: "bantam",
  // The server may have a part in it.
  line: (sentence) => `bantam: ${harmless(sentence.replace(/\.$/, ""))}\n`,
  unreachable: (error, target) => ({
    sentence: error instanceof Error ? error.message : String(error),
    exitCode: isAboutTls(error, target) ? ExitCode.tls : ExitCode.unreachable,
  }),
  ended: (end, version) => ({ sentence: describeEnd(end), exitCode: exitCodeOf(end, version) }),
  publishRefused: (topic, { reasonCode, detail }) => {
    const why = detail === undefined ? "" : `, ${detail}`
    return {
      sentence: `publish to ${topic} refused: ${describeReasonCode(reasonCode)} (${reasonCode})${why}`,
      exitCode: reasonCode,
    }
  },
  allDenied: (first) => ({
    sentence: `all subscription requests were denied: ${describeReasonCode(first)} (${first})`,
    exitCode: first,
  }),
  responseDenied: (filter, reasonCode) => ({
    sentence: `subscription to ${filter} denied: ${describeReasonCode(reasonCode)} (${reasonCode})`,
    exitCode: reasonCode,
  }),
  someDenied: (filter, reasonCode) => ({
    sentence: `subscription to ${filter} denied: ${describeReasonCode(reasonCode)}`,
    exitCode: 0,
  }),
  timedOut: { sentence: "timed out", exitCode: ExitCode.timedOut },
}

function exitCodeOf(end: ClientEnd, version: ProtocolVersion): number {
  switch (end.why) {
    case "refused":
      return version === 5 ? end.reasonCode : connectReturnCode(end.reasonCode)
    case "server-disconnect":
      return isError(end.reasonCode) ? end.reasonCode : ExitCode.connectionLost
    case "protocol-error":
      return ExitCode.protocolError
    case "timeout":
      return ExitCode.noAnswer
    case "lost":
      return ExitCode.connectionLost
    case "failed":
      return 1
    case "disconnected":
      return 0
  }
}

/** The system's own codes look like ECONNREFUSED; on a TLS connection anything else is about a certificate. */
function isAboutTls(error: unknown, target: ConnectTarget): boolean {
  const code = systemCode(error)
  const isTls = target.scheme === "tls" || target.scheme === "wss"
  return isTls && (code === "EPROTO" || !/^E[A-Z]+$/.test(code))
}

/** The code of what the system said, such as ECONNREFUSED; empty when it was not the system. */
export function systemCode(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && "code" in cause ? String(cause.code) : ""
}
