import type { ClientEnd } from "../src/client/client-end.ts"
import type { ProtocolVersion } from "../src/protocol/packet.ts"
import { connectReturnCode, describeReasonCode } from "../src/protocol/reason-code.ts"
import { TlsFileError } from "../src/transport/connect.ts"
import { ExitCode, type Manner, systemCode } from "./manner.ts"

/**
 * The words and exit codes of Mosquitto 2.0's clients, for scripts that were written for them: what the server refuses
 * after the connection stands is told of, and is a success all the same.
 */
export const mosquittoManner: Manner = {
  name: "mosquitto",
  line: (sentence) => `${sentence}\n`,
  unreachable: (error, target) => {
    if (error instanceof Error && error.cause instanceof TlsFileError) {
      return { sentence: "Unable to connect (A TLS error occurred.).", exitCode: 1 }
    }
    const code = systemCode(error)
    if (code === "ENOTFOUND" || code === "EAI_AGAIN")
      return { sentence: "Unable to connect (Lookup error.).", exitCode: 1 }
    const why = systemErrors[code]
    if (why !== undefined) return { sentence: `Error: ${why}`, exitCode: 1 }
    // What is none of these went wrong when the connection stood, and TLS did not.
    if (target.scheme === "tls" || target.scheme === "wss") {
      return { sentence: "Error: A TLS error occurred.", exitCode: ExitCode.tls }
    }
    return { sentence: `Error: ${error instanceof Error ? error.message : String(error)}`, exitCode: 1 }
  },
  ended: (end, version) => {
    switch (end.why) {
      case "refused":
        return refused(end, version)
      case "server-disconnect":
      case "lost":
      case "timeout":
        return { sentence: "Error: The connection was lost.", exitCode: ExitCode.connectionLost }
      case "protocol-error":
        return {
          sentence: "Error: A network protocol error occurred when communicating with the broker.",
          exitCode: ExitCode.protocolError,
        }
      case "failed":
        return { sentence: "Error: Unknown error.", exitCode: 1 }
      case "disconnected":
        return { sentence: "", exitCode: 0 }
    }
  },
  publishRefused: (_topic, { reasonCode, detail }, count) => {
    const warning = `Warning: Publish ${count} failed: ${reasonText(reasonCode)}.`
    return { sentence: detail === undefined ? warning : `${warning}\n${detail}`, exitCode: 0 }
  },
  allDenied: () => ({ sentence: "All subscription requests were denied.", exitCode: 0 }),
  responseDenied: (_filter, reasonCode) => ({ sentence: reasonText(reasonCode), exitCode: 0 }),
  someDenied: () => undefined,
  timedOut: { sentence: "Timed out", exitCode: ExitCode.timedOut },
}

/** Why a connection comes not to stand, in the words of the C library. */
const systemErrors: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  // Mosquitto looks at the wrong place for the reason.
  ENOENT: "Connection refused",
  ETIMEDOUT: "Connection timed out",
}

function refused({ reasonCode }: ClientEnd & { readonly why: "refused" }, version: ProtocolVersion) {
  if (version === 5) return { sentence: `Connection error: ${reasonText(reasonCode)}`, exitCode: reasonCode }
  const code = connectReturnCode(reasonCode)
  const why = returnCodes[code] ?? "unknown reason"
  return { sentence: `Connection error: Connection Refused: ${why}.`, exitCode: code }
}

const returnCodes: readonly (string | undefined)[] = [
  undefined,
  "unacceptable protocol version",
  "identifier rejected",
  "broker unavailable",
  "bad user name or password",
  "not authorised",
]

/** The specification's own spelling, where a capital first letter is not enough. */
const spelled: Readonly<Record<number, string>> = {
  129: "Malformed Packet",
  130: "Protocol Error",
  132: "Unsupported Protocol Version",
  133: "Client Identifier not valid",
  134: "Bad User Name or Password",
  143: "Topic Filter invalid",
  144: "Topic Name invalid",
  155: "QoS not supported",
}

function reasonText(reasonCode: number): string {
  const name = describeReasonCode(reasonCode)
  return spelled[reasonCode] ?? name.charAt(0).toUpperCase() + name.slice(1)
}
