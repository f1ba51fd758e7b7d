import { errorText } from "../foundation/log.ts"
import { codeOf } from "./system-error.ts"

/** What a verification or a handshake calls its end, and how it is said: the end of the sentence "refused: …". */
export const reasons = {
  CERT_HAS_EXPIRED: "the client's certificate has expired",
  CERT_NOT_YET_VALID: "the client's certificate is not valid yet",
  CERT_REVOKED: "the client's certificate is revoked",
  CERT_REJECTED: "the client's certificate is not for clients",
  INVALID_PURPOSE: "the client's certificate is not for clients",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the client's certificate is of an authority that is not in the CA file",
  UNABLE_TO_GET_ISSUER_CERT: "the client's certificate is of an authority that is not in the CA file",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the client's certificate is of an authority that is not in the CA file",
  SELF_SIGNED_CERT_IN_CHAIN: "the client's certificate is of an authority that is not in the CA file",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the client's certificate is signed by itself alone",
  CERT_SIGNATURE_FAILURE: "the client's certificate is not signed by whom it names",
  UNABLE_TO_GET_CRL: "the CRL file holds no list of the authority that signed the client's certificate",
  CRL_HAS_EXPIRED: "the list of revoked certificates is out of date; renew the CRL file",
  CRL_NOT_YET_VALID: "the list of revoked certificates is not valid yet; check the clock",
  PEER_DID_NOT_RETURN_A_CERTIFICATE: "the client showed no certificate",
  WRONG_VERSION_NUMBER: "what came is not TLS",
  HTTP_REQUEST: "what came is HTTP, not TLS",
  UNSUPPORTED_PROTOCOL: "the client speaks no version of TLS that is allowed",
  NO_APPLICATION_PROTOCOL: "the client offers no application protocol (ALPN) that is allowed",
  NO_SHARED_CIPHER: "the client knows no cipher that is allowed",
  BAD_PACKET_LENGTH:
    "it broke off, as a client of TLS 1.3 does that does not trust the server's certificate (BAD_PACKET_LENGTH)",
  TLSV1_ALERT_UNKNOWN_CA: "the client does not trust the server's certificate",
  SSLV3_ALERT_BAD_CERTIFICATE: "the client does not trust the server's certificate",
  SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the client does not trust the server's certificate",
  SSLV3_ALERT_CERTIFICATE_EXPIRED: "the client finds the server's certificate expired",
} as const satisfies Record<string, string>

/**
 * Why a handshake came to nothing, in words; undefined for a peer that only went away, as whoever looks whether a
 * port is open does.
 *
 * @param error what Bun told of the handshake: a code of the verification, or EPROTO and a message that ends in one
 */
export function whyRefused(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code === "ECONNRESET" || code === "EPIPE") return undefined
  if (!(error instanceof Error)) return "it came to nothing, and nobody knows why"
  const word = code === "EPROTO" ? (errorText(error).split(":").at(-1) ?? "") : code
  return Object.hasOwn(reasons, word) ? reasons[word as keyof typeof reasons] : errorText(error)
}
