import { type KeyObject, X509Certificate } from "node:crypto"
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
export interface Shown extends Pick<CertificateSpelling, "issuer" | "serialNumber"> {
  /** All of it, for its signature. */
  readonly der: Uint8Array
}

/** Why a certificate that was trusted is not any more; undefined: it is. */
export type Distrust = (certificate: Shown) => string | undefined

/** One who may have signed. */
interface NamedAuthority {
  /** As its certificates write it. */
  readonly name: string
  /** As the list of what is revoked writes it. */
  readonly nameInLists: string
  readonly certificate: X509Certificate
  /** By which its keys are told apart. */
  readonly key: string
}

/**
 * Whom somebody does not believe any more. To be loaded after `metadata.ts`.
 *
 * An authority is its key: whoever lost one may have made the next under the same name. Signatures are looked at only
 * under such a name.
 *
 * @param before whom he has believed until now; the authority of a certificate that he never named stands behind one
 *   that he did, and its certificates are judged by their serial numbers alone
 * @throws CertificateError when the list of what is revoked cannot be read
 */
export function distrustAfter(before: readonly Trust[], now: Trust): Distrust {
  const authorities = authoritiesOf(now)
  const dismissed = keysLeft(before.flatMap(authoritiesOf), authorities)
  const names = new Map(authorities.map(({ name, nameInLists }) => [nameInLists, name]))
  const revoked = new Set(now.revoked === undefined ? [] : revokedIn(now.revoked, names))
  return ({ issuer, serialNumber, der }) => {
    const left = dismissed.get(issuer)
    if (left !== undefined && !left.some((key) => new X509Certificate(der).verify(key)))
      return "the authority of its certificate is not trusted any more"
    const number = plainNumber(serialNumber)
    return revoked.has(`${issuer} ${number}`) || revoked.has(number)
      ? "its certificate was revoked"
      : undefined
  }
}

function authoritiesOf({ authorities }: Trust): NamedAuthority[] {
  return certificateBlocks(authorities).map((block) => {
    const [facts] = certificateFacts(block)
    const certificate = new X509Certificate(block)
    const { subject, publicKey } = new x509.X509Certificate(certificate.raw)
    const key = Buffer.from(publicKey.rawData).toString("base64")
    return { name: facts?.subject ?? "", nameInLists: subject, certificate, key }
  })
}

/** Of each name under which a key is not trusted any more, the keys that still are. */
function keysLeft(
  before: readonly NamedAuthority[],
  now: readonly NamedAuthority[],
): ReadonlyMap<string, readonly KeyObject[]> {
  const trusted = Map.groupBy(now, ({ name }) => name)
  const left = new Map<string, readonly KeyObject[]>()
  for (const { name, key } of before) {
    const namesakes = trusted.get(name) ?? []
    if (namesakes.some((namesake) => namesake.key === key)) continue
    left.set(name, namesakes.flatMap(publicKeyOf))
  }
  return left
}

/** None when it is of a kind that this machine does not know: nobody comes in by such a key. */
function publicKeyOf({ certificate }: NamedAuthority): KeyObject | [] {
  try {
    return certificate.publicKey
  } catch {
    return []
  }
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
