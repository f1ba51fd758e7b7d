import type { X509Certificate } from "node:crypto"
import { spell } from "./certificate-spelling.ts"
import type { PeerCertificate } from "./socket.ts"

/**
 * Reads what a certificate says of its holder. To be asked for a certificate that was verified; even so its names
 * were chosen by whoever asked the authority for it, so each is taken apart by the escapes of the parser, never by
 * what a name contains (CVE-2021-44532).
 */
export function readPeerCertificate(certificate: X509Certificate): PeerCertificate {
  return {
    ...spell(certificate),
    commonName: commonNameOf(certificate),
    alternativeNames: alternativeNamesOf(certificate.subjectAltName ?? ""),
    validToMs: Date.parse(certificate.validTo),
    der: certificate.raw,
  }
}

/** Two names, or one that cannot be printed, name nobody. */
function commonNameOf(certificate: X509Certificate): string | undefined {
  // A name that occurs twice is an array here, whatever the type says.
  const name: unknown = certificate.toLegacyObject().subject.CN
  return typeof name === "string" && isPlain(name) ? name : undefined
}

/**
 * @param text such as `DNS:a.example, URI:"x:a\u002c b"`: a value that holds a comma, a quote or a control stands in
 *   quotes with those escaped, so that ", " is always between two values
 */
function alternativeNamesOf(text: string): PeerCertificate["alternativeNames"] {
  const names: Record<"dns" | "email" | "uri", string[]> = { dns: [], email: [], uri: [] }
  for (const entry of text.split(", ")) {
    const [, kind = "", written = ""] = /^(DNS|email|URI):(.*)$/s.exec(entry) ?? []
    const value = written.startsWith('"') ? unquoted(written) : written
    if (value === undefined || !isPlain(value)) continue
    if (kind === "DNS") names.dns.push(value)
    else if (kind === "email") names.email.push(value)
    else if (kind === "URI") names.uri.push(value)
  }
  return names
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "string" ? value : undefined
  } catch {
    // No text that a parser escapes; a name that nobody can read names nobody.
    return undefined
  }
}

function isPlain(name: string): boolean {
  // eslint-disable-next-line no-control-regex
  return name !== "" && !/[\u0000-\u001f\u007f-\u009f]/.test(name)
}
