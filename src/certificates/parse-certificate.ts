import { X509Certificate } from "node:crypto"
import { CertificateError } from "./certificate-error.ts"
import { noCertificate } from "./pem.ts"

/** @throws CertificateError */
export function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new CertificateError(noCertificate, { cause })
  }
}
