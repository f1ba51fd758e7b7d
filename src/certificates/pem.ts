import { readFileSync } from "node:fs"
import { CertificateError } from "./certificate-error.ts"

/** The certificates of a text in PEM, in its order, each with its first and last line. */
export function certificateBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? []
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
