import { X509Certificate, createPrivateKey } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { TlsSettings } from "./socket.ts"
import { codeOf } from "./system-error.ts"

/** The certificates of a server as Bun.listen takes them. */
export interface ServerTls {
  /** As it goes over the wire: 0x0303 is TLS 1.2. */
  readonly minVersion: number
  readonly ciphers?: string
  /** Names as the handshake writes them, each behind its length. */
  readonly ALPNProtocols?: Uint8Array
  readonly key: string
  readonly cert: string
  readonly ca?: string
  readonly crl?: string
  readonly requestCert: boolean
  readonly rejectUnauthorized: boolean
}

/** How a client knows the server, and what it shows of itself; files in PEM. */
export interface ClientTlsFiles {
  /** Who may have signed the server's certificate; without it, whom the system trusts. */
  readonly caFile?: string
  /** The same, a file each; those that hold no certificate are passed over. */
  readonly caDirectory?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly minimumVersion?: "1.2" | "1.3"
  /** In OpenSSL's notation; for TLS 1.2. */
  readonly ciphers?: string
  /** The protocol to speak on top. */
  readonly alpn?: string
  /** The name the server's certificate must have, if it is not the host. */
  readonly serverName?: string
  /** Takes any certificate: whoever stands in between reads along. */
  readonly insecure?: boolean
}

/** The same as Bun.connect and WebSocket take it. */
export interface ClientTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  /** As it goes over the wire: 0x0304 is TLS 1.3. */
  readonly minVersion?: number
  readonly ciphers?: string
  readonly ALPNProtocols?: Uint8Array
  readonly rejectUnauthorized: boolean
}

/** A file of certificates or keys that is no good; the message ends without a full stop and names the file. */
export class TlsFileError extends Error {
  override readonly name = "TlsFileError"
}

/**
 * Reads the files and sees that they fit together, so that a mistake is named before anything listens.
 *
 * @throws TlsFileError
 */
export function readServerTls(files: TlsSettings): ServerTls {
  if (files.requireClientCertificate === true && files.caFile === undefined) {
    throw new TlsFileError(
      "client certificates are required, but no CA file says who may sign them; name one",
    )
  }
  const identity = readIdentity(files.certFile, files.keyFile)
  refuseOutOfTime(parseCertificate(identity.cert, files.certFile), files.certFile)
  return {
    ...identity,
    minVersion: wireVersion(files.minimumVersion ?? "1.2"),
    ...(files.ciphers === undefined ? {} : { ciphers: files.ciphers }),
    ...(files.alpn === undefined ? {} : { ALPNProtocols: alpnBytes(files.alpn) }),
    ...(files.caFile === undefined ? {} : { ca: readCertificates(files.caFile) }),
    ...(files.crlFile === undefined ? {} : { crl: readPem(files.crlFile, "X509 CRL") }),
    requestCert: files.caFile !== undefined,
    rejectUnauthorized: files.requireClientCertificate === true,
  }
}

/** When the certificate that a server shows is over, in milliseconds since 1970. */
export function validUntilMs({ cert }: ServerTls): number {
  return Date.parse(new X509Certificate(cert).validTo)
}

/** A server with such a certificate would serve, and everyone who checks it would turn away. */
function refuseOutOfTime({ validFrom, validTo }: X509Certificate, file: string): void {
  const now = Date.now()
  const day = (date: string) => new Date(date).toISOString()
  if (Date.parse(validTo) < now) {
    throw new TlsFileError(`the certificate in ${file} expired at ${day(validTo)}; renew it`)
  }
  if (Date.parse(validFrom) > now) {
    throw new TlsFileError(
      `the certificate in ${file} is not valid before ${day(validFrom)}; check the clock, or wait`,
    )
  }
}

/** @param names of 1 to 255 bytes each */
function alpnBytes(names: readonly string[]): Uint8Array {
  return Buffer.concat(names.flatMap((name) => [Buffer.of(Buffer.byteLength(name)), Buffer.from(name)]))
}

/** @throws TlsFileError */
export function readClientTls(files: ClientTlsFiles): ClientTls {
  const { certFile, keyFile } = files
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new TlsFileError("a certificate and its key go together; name both files or neither")
  }
  return {
    ...authorities(files),
    ...(files.minimumVersion === undefined ? {} : { minVersion: wireVersion(files.minimumVersion) }),
    ...(files.ciphers === undefined ? {} : { ciphers: files.ciphers }),
    ...(files.alpn === undefined ? {} : { ALPNProtocols: alpnBytes([files.alpn]) }),
    ...(certFile === undefined || keyFile === undefined ? {} : readIdentity(certFile, keyFile)),
    ...(files.serverName === undefined ? {} : { serverName: files.serverName }),
    rejectUnauthorized: files.insecure !== true,
  }
}

function wireVersion(version: "1.2" | "1.3"): number {
  return version === "1.3" ? 0x03_04 : 0x03_03
}

function authorities({ caFile, caDirectory }: ClientTlsFiles): { readonly ca?: string } {
  const files = [...(caFile === undefined ? [] : [caFile]), ...certificateFiles(caDirectory)]
  return files.length === 0 ? {} : { ca: files.map(readCertificates).join("\n") }
}

/** @throws TlsFileError when there is none */
function certificateFiles(directory: string | undefined): readonly string[] {
  if (directory === undefined) return []
  const files = directoryEntries(directory)
    .map((name) => join(directory, name))
    .filter((file) => statSync(file).isFile() && readFile(file).includes("-----BEGIN CERTIFICATE-----"))
  if (files.length === 0)
    throw new TlsFileError(`${directory} holds no certificate in PEM; check the directory`)
  return files
}

function directoryEntries(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    throw new TlsFileError(`${directory} cannot be read (${codeOf(cause)}); check its path and its mode`, {
      cause,
    })
  }
}

function readIdentity(certFile: string, keyFile: string): { readonly cert: string; readonly key: string } {
  const cert = readPem(certFile, "CERTIFICATE")
  const key = readFile(keyFile)
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(key)
  } catch (cause) {
    throw new TlsFileError(`${keyFile} holds no private key in PEM without a passphrase; check the file`, {
      cause,
    })
  }
  if (!parseCertificate(cert, certFile).checkPrivateKey(privateKey)) {
    throw new TlsFileError(`the key in ${keyFile} is not that of the certificate in ${certFile}; name a pair`)
  }
  return { cert, key }
}

function readCertificates(file: string): string {
  const text = readPem(file, "CERTIFICATE")
  parseCertificate(text, file)
  return text
}

function parseCertificate(text: string, file: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw new TlsFileError(`the certificate in ${file} is damaged; check the file`, { cause })
  }
}

function readPem(file: string, label: string): string {
  const text = readFile(file)
  if (text.includes(`-----BEGIN ${label}-----`)) return text
  throw new TlsFileError(`${file} holds no ${label} in PEM; check the file`)
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    if (codeOf(cause) === "EACCES") {
      const remedy = "change its owner, group or mode, and see that whoever renews it keeps them"
      throw new TlsFileError(`${file} may not be read by user ${process.getuid?.() ?? "?"}; ${remedy}`, {
        cause,
      })
    }
    const why = codeOf(cause) === "ENOENT" ? "does not exist" : `cannot be read (${codeOf(cause)})`
    throw new TlsFileError(`${file} ${why}; check its path and its mode`, { cause })
  }
}
