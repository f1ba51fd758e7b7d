import { X509Certificate } from "node:crypto"
import { spell, type CertificateSpelling } from "../transport/certificate-spelling.ts"
import { CertificateError } from "./certificate-error.ts"
import { someCertificateBlocks } from "./pem.ts"

/** What a certificate says. */
export interface CertificateFacts extends CertificateSpelling {
  /** Each with its kind in front: `DNS:localhost`. */
  readonly alternativeNames: readonly string[]
  /** ISO 8601. */
  readonly validFrom: string
  readonly validTo: string
  readonly isAuthority: boolean
}

/**
 * Of each certificate in a PEM file, in its order.
 *
 * @throws CertificateError when there is none, or one is damaged
 */
export function certificateFacts(pem: string): CertificateFacts[] {
  return someCertificateBlocks(pem).map((block) => factsOf(parse(block)))
}

function parse(block: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (cause) {
    throw new CertificateError("the certificate in it is damaged; check the file", { cause })
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const { subject, issuer, serialNumber, fingerprint256 } = spell(certificate)
  return {
    subject,
    alternativeNames: certificate.subjectAltName?.split(", ") ?? [],
    issuer,
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    isAuthority: certificate.ca,
    serialNumber,
    fingerprint256,
  }
}
