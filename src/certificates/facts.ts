import { X509Certificate } from "node:crypto"
import { CertificateError } from "./certificate-error.ts"
import { certificateBlocks } from "./pem.ts"

/** What a certificate says. */
export interface CertificateFacts {
  /** As RFC 2253 writes it: `CN=a device,O=Example`. */
  readonly subject: string
  /** Each with its kind in front: `DNS:localhost`. */
  readonly alternativeNames: readonly string[]
  readonly issuer: string
  /** ISO 8601. */
  readonly validFrom: string
  readonly validTo: string
  readonly isAuthority: boolean
  /** In hexadecimal, lower case. */
  readonly serialNumber: string
  /** SHA-256 in hexadecimal, lower case. */
  readonly fingerprint256: string
}

/**
 * Of each certificate in a PEM file, in its order.
 *
 * @throws CertificateError when there is none, or one is damaged
 */
export function certificateFacts(pem: string): CertificateFacts[] {
  const blocks = certificateBlocks(pem)
  if (blocks.length === 0) throw new CertificateError("it holds no certificate in PEM; check the file")
  return blocks.map((block) => factsOf(parse(block)))
}

function parse(block: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (cause) {
    throw new CertificateError("the certificate in it is damaged; check the file", { cause })
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    subject: nameText(certificate.subject),
    alternativeNames: certificate.subjectAltName?.split(", ") ?? [],
    issuer: nameText(certificate.issuer),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    isAuthority: certificate.ca,
    serialNumber: certificate.serialNumber.toLowerCase(),
    fingerprint256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  }
}

/** One line for each part, escaped, undefined where there is none; RFC 2253 begins with the last. */
function nameText(lines: string | undefined): string {
  return (lines ?? "").split("\n").toReversed().join(",")
}
