import type { X509Certificate } from "node:crypto"

/** What tells certificates apart, as it is compared, listed and logged everywhere. */
export interface CertificateSpelling {
  /** As RFC 2253 writes it: `CN=a device,O=Example`. */
  readonly subject: string
  /** Who has signed it, written as the subject is. */
  readonly issuer: string
  /** In hexadecimal, lower case. */
  readonly serialNumber: string
  /** SHA-256 in hexadecimal, lower case, no colons. */
  readonly fingerprint256: string
}

/**
 * The one place where they are spelled: the authority of a client's certificate is found by comparing its issuer with
 * the subject of an authority's own.
 */
export function spell(certificate: X509Certificate): CertificateSpelling {
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serialNumber: certificate.serialNumber.toLowerCase(),
    fingerprint256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  }
}

/** The parser writes one line for each part, line ends and commas in it escaped; RFC 2253 begins with the last. */
function nameText(lines: string | undefined): string {
  // Nothing at all where the name is empty, whatever the type says.
  return (lines ?? "").split("\n").toReversed().join(",")
}
