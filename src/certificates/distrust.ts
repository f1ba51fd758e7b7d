import { X509Certificate } from "node:crypto"
import * as x509 from "@peculiar/x509"
import type { CertificateSpelling } from "../transport/certificate-spelling.ts"
import { certificateFacts } from "./facts.ts"
import { parseList } from "./parse-list.ts"
import { certificateBlocks } from "./pem.ts"

/** Whom somebody believes, in PEM. */
export interface Trust {
  /** Who may have signed. */
  readonly authorities: string
  /** What of that is revoked. */
  readonly revoked: string | undefined
}

/** What is asked of a certificate. */
export type Shown = Pick<CertificateSpelling, "issuer" | "serialNumber">

/** Why a certificate that was trusted is not any more; undefined: it is. */
export type Distrust = (certificate: Shown) => string | undefined

/**
 * Whom somebody does not believe any more. To be loaded after `metadata.ts`.
 *
 * @param before whom he has believed until now; the authority of a certificate that he never named stands behind one
 *   that he did, and its certificates are judged by their serial numbers alone
 * @throws CertificateError when the list of what is revoked cannot be read
 */
export function distrustAfter(before: readonly Trust[], now: Trust): Distrust {
  const authorities = namesOf(now)
  const dismissed = new Set(before.flatMap((trust) => [...namesOf(trust).values()]))
  for (const name of authorities.values()) dismissed.delete(name)
  const revoked = new Set(now.revoked === undefined ? [] : revokedIn(now.revoked, authorities))
  return ({ issuer, serialNumber }) => {
    if (dismissed.has(issuer)) return "the authority of its certificate is not trusted any more"
    const number = plainNumber(serialNumber)
    return revoked.has(`${issuer} ${number}`) || revoked.has(number)
      ? "its certificate was revoked"
      : undefined
  }
}

/** By how the list of what is revoked writes it, the name of each authority as its certificates write it. */
function namesOf({ authorities }: Trust): Map<string, string> {
  return new Map(
    certificateBlocks(authorities).map((block) => {
      const [facts] = certificateFacts(block)
      return [new x509.X509Certificate(new X509Certificate(block).raw).subject, facts?.subject ?? ""]
    }),
  )
}

/** Serial numbers, each behind the name of its authority where that is known. */
function revokedIn(pem: string, authorities: ReadonlyMap<string, string>): string[] {
  const blocks = pem.match(/-----BEGIN X509 CRL-----.*?-----END X509 CRL-----/gs) ?? []
  return blocks.flatMap((block) => {
    const list = parseList(block)
    const name = authorities.get(list.issuer)
    return list.entries.map(({ serialNumber }) => {
      const number = plainNumber(serialNumber)
      return name === undefined ? number : `${name} ${number}`
    })
  })
}

/** Some write zeros in front, for the number is positive. */
function plainNumber(hexadecimal: string): string {
  return hexadecimal.toLowerCase().replace(/^0+(?=.)/, "")
}
