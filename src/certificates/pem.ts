import { readFileSync } from "node:fs"
import { CertificateError } from "./certificate-error.ts"

/** Said of a text without one, behind its file's name. */
export const noCertificate = "it holds no certificate in PEM; check the file"

/** The certificates of a text in PEM, in its order, each with its first and last line. */
export function certificateBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? []
}

/** The same, at least one. @throws CertificateError when there is none */
export function someCertificateBlocks(pem: string): readonly string[] {
  const blocks = certificateBlocks(pem)
  if (blocks.length === 0) throw new CertificateError(noCertificate)
  return blocks
}

/** @throws CertificateError without the file's name, which whoever asks puts in front */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    const why = code === "ENOENT" ? "it does not exist" : `it cannot be read (${code})`
    throw new CertificateError(`${why}; check the path and who may read it`, { cause })
  }
}
