import { isIP } from "node:net"
import type { JsonGeneralName } from "@peculiar/x509"
import { CertificateError } from "./certificate-error.ts"

/** In characters (RFC 5280, ub-common-name). */
export const longestCommonName = 64

/**
 * A name that can be the common name of a certificate.
 *
 * @throws CertificateError
 */
export function commonName(text: string): string {
  const name = text.trim()
  // eslint-disable-next-line no-control-regex
  if (name !== "" && name.length <= longestCommonName && !/[\u0000-\u001f\u007f-\u009f]/.test(name))
    return name
  throw new CertificateError(
    `${JSON.stringify(text)} cannot be the name in a certificate; write 1 to ${longestCommonName} characters`,
  )
}

/**
 * What a server is called: a host name, which may begin with `*.`, or an IP address.
 *
 * @throws CertificateError
 */
export function alternativeName(host: string): JsonGeneralName {
  if (isIP(host) !== 0 && !host.includes("%")) return { type: "ip", value: host }
  const labels = host.replace(/^\*\./, "").split(".")
  const isName =
    host.length <= 253 && labels.every((label) => /^[\da-z_]([\da-z_-]{0,61}[\da-z_])?$/i.test(label))
  // Four numbers that are no address are a slip of the finger, not a name.
  if (isName && !/^[\d.]+$/.test(host)) return { type: "dns", value: host }
  throw new CertificateError(
    `${JSON.stringify(host)} is no host name and no IP address; write one such as broker.example.org or 192.168.1.5`,
  )
}
