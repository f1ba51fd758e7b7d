import { X509Certificate, createPrivateKey, randomBytes } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { CertificateError } from "./certificate-error.ts"
import { alternativeName, commonName, longestCommonName } from "./names.ts"
import type { Pair } from "./pair.ts"
import { parseCertificate } from "./parse-certificate.ts"
import { parseList } from "./parse-list.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const
const signing = { name: "ECDSA", hash: "SHA-256" } as const

const dayMs = 24 * 60 * 60 * 1000
/** So that a device whose clock is behind takes a certificate that was just made. */
const headStartMs = 60 * 60 * 1000

/** Each entry has a reason: without one the library writes an empty list, which BoringSSL refuses to read. */
const takenBack = x509.X509CrlReason.privilegeWithdrawn

/** From when to when, in milliseconds since 1970. */
interface Validity {
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * A certificate authority: makes the certificates of servers and clients, and takes them back. To be loaded after
 * `metadata.ts`.
 */
export class Authority {
  readonly #certificate: x509.X509Certificate
  readonly #key: CryptoKey

  private constructor(certificate: x509.X509Certificate, key: CryptoKey) {
    this.#certificate = certificate
    this.#key = key
  }

  /**
   * A new one, that signs itself.
   *
   * @throws CertificateError when it cannot be called that
   */
  static async make(name: string, days: number): Promise<Pair> {
    const keys = await newKeys()
    const { fromMs, untilMs } = validFor(days)
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      keys,
      serialNumber: newSerialNumber(),
      name: nameOf(commonName(name)),
      notBefore: new Date(fromMs),
      notAfter: new Date(untilMs),
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return pairOf(certificate, keys.privateKey)
  }

  /**
   * One that `make` has made.
   *
   * @throws CertificateError when the two are no such pair, or its time is over
   */
  static async read({ certificate, key }: Pair): Promise<Authority> {
    const known = parseCertificate(certificate)
    if (!known.ca) throw new CertificateError("it is no authority; `bantam cert ca` makes one")
    if (Date.parse(known.validTo) < Date.now()) {
      throw new CertificateError(
        `it expired at ${known.validTo}; make another with \`bantam cert ca --force\``,
      )
    }
    const privateKey = parseKey(key)
    if (!known.checkPrivateKey(privateKey))
      throw new CertificateError("its key is another one's; name a pair")
    const bytes = privateKey.export({ type: "pkcs8", format: "der" })
    const imported = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"])
    return new Authority(new x509.X509Certificate(known.raw), imported)
  }

  /**
   * For a server that is reached by these names and addresses. The first that is short enough is its common name as
   * well, which hardly any client looks at any more; where none is, it has none.
   *
   * @param days from now, or until the authority's own time is over
   * @throws CertificateError for what is no name and no address
   */
  issueServer(hosts: readonly [string, ...string[]], days: number): Promise<Pair> {
    const names = hosts.map(alternativeName)
    const subject = hosts.find((host) => host.length <= longestCommonName)
    return this.#issue(subject, days, x509.ExtendedKeyUsage.serverAuth, [
      // Who has no other name is known by these alone (RFC 5280, section 4.2.1.6).
      new x509.SubjectAlternativeNameExtension(names, subject === undefined),
    ])
  }

  /** @throws CertificateError when a client cannot be called that */
  issueClient(name: string, days: number): Promise<Pair> {
    return this.#issue(commonName(name), days, x509.ExtendedKeyUsage.clientAuth, [])
  }

  /**
   * The list of what is revoked, and one more.
   *
   * @param list as it was, in PEM; undefined: nothing was revoked
   * @param revoked in PEM; undefined: nothing more
   * @returns the new list in PEM, good for as long as the authority is
   * @throws CertificateError when it is not ours to revoke, or is revoked already
   */
  async revoke(list: string | undefined, revoked: string | undefined): Promise<string> {
    const entries = list === undefined ? [] : this.#entriesOf(list)
    if (revoked !== undefined) {
      const serialNumber = this.#serialNumberOf(revoked)
      if (entries.some((entry) => entry.serialNumber === serialNumber)) {
        throw new CertificateError("it is revoked already")
      }
      entries.push({ serialNumber, revocationDate: new Date(), reason: takenBack })
    }
    const now = Date.now()
    const next = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subjectName,
      thisUpdate: new Date(now - headStartMs),
      nextUpdate: this.#certificate.notAfter,
      entries,
      signingAlgorithm: signing,
      signingKey: this.#key,
      extensions: [await this.#authorityKey(), new x509.Extension("2.5.29.20", false, derInteger(now))],
    })
    // The library's own label is one that nobody else reads.
    return `${x509.PemConverter.encode(next.rawData, "X509 CRL")}\n`
  }

  async #issue(
    name: string | undefined,
    days: number,
    usage: x509.ExtendedKeyUsage,
    extensions: readonly x509.Extension[],
  ): Promise<Pair> {
    const keys = await newKeys()
    const { fromMs, untilMs } = validFor(days)
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: name === undefined ? new x509.Name([]) : nameOf(name),
      issuer: this.#certificate.subjectName,
      // Nobody trusts what outlives, or was before, the one who vouches for it.
      notBefore: new Date(Math.max(fromMs, this.#certificate.notBefore.getTime())),
      notAfter: new Date(Math.min(untilMs, this.#certificate.notAfter.getTime())),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...extensions,
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await this.#authorityKey(),
      ],
    })
    return pairOf(certificate, keys.privateKey)
  }

  #authorityKey(): Promise<x509.AuthorityKeyIdentifierExtension> {
    return x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey)
  }

  #serialNumberOf(pem: string): string {
    const certificate = parseCertificate(pem)
    const authority = new X509Certificate(Buffer.from(this.#certificate.rawData))
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
      throw new CertificateError("it is of another authority; name the folder of that one with --dir")
    }
    return certificate.serialNumber.toLowerCase()
  }

  #entriesOf(list: string): x509.X509CrlEntryParams[] {
    const crl = parseList(list)
    if (crl.issuer !== this.#certificate.subject) {
      throw new CertificateError("the list of what is revoked is of another authority; move it away")
    }
    return crl.entries.map(({ serialNumber, revocationDate, reason = takenBack }) => ({
      serialNumber: serialNumber.toLowerCase(),
      revocationDate,
      reason,
    }))
  }
}

function parseKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key
  } catch (cause) {
    throw new CertificateError("its key file holds no private key in PEM without a passphrase; check it", {
      cause,
    })
  }
  throw new CertificateError(
    "its key is not of the kind that `bantam cert ca` makes (P-256); make an authority with it",
  )
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
}

/** 16 random bytes that make a positive number without a zero in front. */
function newSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes.toString("hex")
}

function validFor(days: number): Validity {
  const now = Date.now()
  return { fromMs: now - headStartMs, untilMs: now + days * dayMs }
}

/** Not as text, in which a comma or a quote would mean something. */
function nameOf(commonName: string): x509.Name {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }])
}

/** Of a time, so that each list has a higher number than the one before (RFC 5280, section 5.2.3). */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const digits = Buffer.from(value.toString(16).padStart(12, "0"), "hex")
  return Uint8Array.of(0x02, digits.length, ...digits)
}

async function pairOf(certificate: x509.X509Certificate, privateKey: CryptoKey): Promise<Pair> {
  const bytes = await crypto.subtle.exportKey("pkcs8", privateKey)
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(bytes, "PRIVATE KEY")}\n`,
  }
}
