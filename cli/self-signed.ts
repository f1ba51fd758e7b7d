import type { X509Certificate } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { isIP } from "node:net"
import { join } from "node:path"
import { about, CertificateFolder, type PairFiles } from "../src/certificates/certificate-folder.ts"
import { parseCertificate } from "../src/certificates/parse-certificate.ts"
import type { Settings } from "../src/config/settings.ts"

const authorityDays = 3_650
const serverDays = 825
/** A certificate that is kept is good for this much longer. */
const spareMs = 30 * 24 * 60 * 60 * 1000

/** A certificate that the broker made for itself, so that TLS can be tried without any. */
export interface SelfSigned extends PairFiles, Disposable {
  /** What clients are to trust. */
  readonly caFile: string
}

/**
 * Takes the certificate in the data directory, or makes it there, for this machine's names and those listened on. With
 * nothing on disk it is made in a temporary directory, which goes with it.
 */
export async function selfSigned({ storage, listeners }: Settings): Promise<SelfSigned> {
  const directory = storage.ephemeral
    ? mkdtempSync(join(tmpdir(), "bantam-tls-"))
    : join(storage.directory, "tls")
  const listened = listeners.flatMap(({ address }) => (address.scheme === "unix" ? [] : address.host))
  const hosts = new Set([...ownName(), "127.0.0.1", "::1", ...listened.filter((host) => !isWildcard(host))])
  // Its file is named after the first.
  const files = await serverFiles(directory, ["localhost", ...hosts])
  return {
    ...files,
    caFile: join(directory, "ca.pem"),
    [Symbol.dispose]: () => {
      if (storage.ephemeral) rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function serverFiles(directory: string, hosts: readonly [string, ...string[]]): Promise<PairFiles> {
  const folder = new CertificateFolder(directory, true)
  const files = { certFile: join(directory, "localhost.pem"), keyFile: join(directory, "localhost.key") }
  if ((await kept(folder.authority)) === undefined) {
    await folder.makeAuthority(`Bantam on ${hostname()}`.slice(0, 64), authorityDays)
  } else {
    const certificate = await kept(files)
    if (certificate !== undefined && hosts.every((host) => covers(certificate, host))) return files
  }
  return folder.issueServer(hosts, serverDays)
}

/** @throws CertificateError when what stands there is no certificate */
async function kept({ certFile, keyFile }: PairFiles): Promise<X509Certificate | undefined> {
  if (!existsSync(certFile) || !existsSync(keyFile)) return undefined
  const certificate = await about(certFile, () => parseCertificate(readFileSync(certFile, "utf8")))
  return Date.parse(certificate.validTo) - Date.now() > spareMs ? certificate : undefined
}

function covers(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
}

/** What this machine is called, if others could call it that. */
function ownName(): string[] {
  return /^[\da-z]([\da-z.-]*[\da-z])?$/i.test(hostname()) ? [hostname()] : []
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::"
}
