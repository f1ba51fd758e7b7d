import { createPrivateKey, X509Certificate } from "node:crypto"
import { CertificateError } from "./certificate-error.ts"
import { readText, someCertificateBlocks } from "./pem.ts"

/** What a TLS listener is told. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile?: string
  readonly crlFile?: string
}

/** One thing that was looked at. */
export interface TlsFinding {
  readonly verdict: "ok" | "warn" | "fail"
  readonly what: string
  readonly remedy?: string
}

const dayMs = 86_400_000
/** Whoever renews by hand needs some time; who renews by himself has done so before. */
const soonDays = 14

/** Looks at the files of a TLS listener as its clients will: times, chain, key and list of what is revoked. */
export async function examineTls(files: TlsFiles, nowMs: number): Promise<readonly TlsFinding[]> {
  const findings = [...examineServer(files, nowMs)]
  const { caFile, crlFile } = files
  const authorities = caFile === undefined ? [] : found(findings, caFile, () => readCertificates(caFile))
  if (caFile !== undefined) findings.push(...examineAuthorities(caFile, authorities, nowMs))
  if (crlFile !== undefined) findings.push(...(await examineList(crlFile, authorities, nowMs)))
  return findings
}

function examineServer({ certFile, keyFile }: TlsFiles, nowMs: number): readonly TlsFinding[] {
  const findings: TlsFinding[] = []
  const chain = found(findings, certFile, () => readCertificates(certFile))
  const [leaf] = chain
  if (leaf === undefined) return findings
  for (const each of chain) findings.push(timeOf(certFile, each, nowMs))
  for (const [index, each] of chain.entries()) {
    const issuer = chain[index + 1]
    if (issuer === undefined || isIssuedBy(each, issuer)) continue
    findings.push({
      verdict: "fail",
      what: `${certFile}: ${nameOf(each)} is not signed by ${nameOf(issuer)}, which comes next`,
      remedy: "put the server's certificate first, then whoever signed it, and so on",
    })
  }
  const key = found(findings, keyFile, () => [createPrivateKey(readText(keyFile))])[0]
  if (key === undefined) return findings
  if (leaf.checkPrivateKey(key))
    findings.push({ verdict: "ok", what: `${keyFile} is the key of ${certFile}` })
  else {
    findings.push({
      verdict: "fail",
      what: `${keyFile} is not the key of ${certFile}`,
      remedy: "name a pair in tls.cert_file and tls.key_file",
    })
  }
  return findings
}

function examineAuthorities(
  file: string,
  authorities: readonly X509Certificate[],
  nowMs: number,
): readonly TlsFinding[] {
  return authorities.map((each) => {
    if (each.ca) return timeOf(file, each, nowMs)
    const what = `${file}: ${nameOf(each)} is no authority, so no client certificate is valid by it`
    return { verdict: "fail", what, remedy: "name the certificate of who signs those of the clients" }
  })
}

async function examineList(
  file: string,
  authorities: readonly X509Certificate[],
  nowMs: number,
): Promise<readonly TlsFinding[]> {
  await import("./metadata.ts")
  const { X509Crl, X509Certificate: Certificate } = await import("@peculiar/x509")
  const findings: TlsFinding[] = []
  const [list] = found(findings, file, () => [new X509Crl(readText(file))])
  if (list === undefined) return findings
  const issuer = authorities.find((each) => new Certificate(each.raw).subject === list.issuer)
  const isSigned =
    issuer !== undefined && (await list.verify({ publicKey: new Certificate(issuer.raw).publicKey }))
  if (!isSigned && authorities.length > 0) {
    const what = `${file} is not signed by an authority in tls.ca_file, so nobody heeds it`
    return [{ verdict: "fail", what, remedy: "name the list of that authority in tls.crl_file" }]
  }
  const remedy = "have its authority make a new one, and set tls.crl_file to that"
  const made = dayOf(list.thisUpdate.getTime())
  const untilMs = list.nextUpdate?.getTime()
  if (untilMs !== undefined && untilMs < nowMs) {
    const what = `${file} of ${made} was to be renewed by ${dayOf(untilMs)}, so no client certificate is taken`
    return [{ verdict: "fail", what, remedy }]
  }
  const ages = Math.max(0, Math.floor((nowMs - list.thisUpdate.getTime()) / dayMs))
  const what = `${file} revokes ${list.entries.length}, made ${made} (${ages} days ago)`
  if (untilMs === undefined || untilMs - nowMs > 2 * dayMs) return [{ verdict: "ok", what }]
  return [{ verdict: "warn", what: `${what}, is over on ${dayOf(untilMs)}`, remedy }]
}

function timeOf(file: string, certificate: X509Certificate, nowMs: number): TlsFinding {
  const fromMs = Date.parse(certificate.validFrom)
  const untilMs = Date.parse(certificate.validTo)
  const whose = `${file}: ${nameOf(certificate)}`
  const remedy = "renew it; a broker that serves takes the new one within seconds"
  if (untilMs < nowMs) return { verdict: "fail", what: `${whose} expired on ${dayOf(untilMs)}`, remedy }
  if (fromMs > nowMs) {
    const what = `${whose} is not valid before ${dayOf(fromMs)}`
    return { verdict: "fail", what, remedy: "check the clock, or wait" }
  }
  const days = Math.floor((untilMs - nowMs) / dayMs)
  const what = `${whose} is valid until ${dayOf(untilMs)} (${days} days)`
  return days < soonDays ? { verdict: "warn", what, remedy } : { verdict: "ok", what }
}

/** What can be read; nothing, and a finding more, where it cannot. */
function found<Thing>(findings: TlsFinding[], file: string, read: () => readonly Thing[]): readonly Thing[] {
  try {
    return read()
  } catch (error) {
    const why =
      error instanceof CertificateError ? error.message : "it holds nothing of the kind; check the file"
    const [what = why, remedy = "check the file"] = why.split("; ")
    findings.push({ verdict: "fail", what: `${file}: ${what}`, remedy })
    return []
  }
}

function readCertificates(file: string): readonly X509Certificate[] {
  return someCertificateBlocks(readText(file)).map((block) => new X509Certificate(block))
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function nameOf({ subject, serialNumber }: X509Certificate): string {
  return subject === undefined || subject === "" ? `number ${serialNumber}` : subject.replaceAll("\n", ", ")
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
