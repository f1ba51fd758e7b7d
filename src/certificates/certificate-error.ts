/** A certificate cannot be made or read. The message is one line: what, where, and the remedy. */
export class CertificateError extends Error {
  override readonly name = "CertificateError"
}
