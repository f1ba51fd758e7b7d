import { X509Crl } from "@peculiar/x509"
import { CertificateError } from "./certificate-error.ts"

/** A list of what is revoked. To be loaded after `metadata.ts`. @throws CertificateError */
export function parseList(pem: string): X509Crl {
  try {
    return new X509Crl(pem)
  } catch (cause) {
    throw new CertificateError("the list of what is revoked is damaged; check the file", { cause })
  }
}
