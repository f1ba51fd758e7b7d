/** What is known of a certificate that a client showed, and that was found to be good. */
export interface ClientCertificate {
  /** Undefined where it has none, several, or one that is no name. */
  readonly commonName: string | undefined
  readonly alternativeNames: {
    readonly dns: readonly string[]
    readonly email: readonly string[]
    readonly uri: readonly string[]
  }
  /** SHA-256 of the whole, in lower-case hexadecimal digits. */
  readonly fingerprint256: string
}

/** What a client shows of itself at CONNECT [3.1.3.5, 3.1.3.6]. */
export interface Credentials {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly remoteAddress: string
  /** Undefined where it showed none, or where nobody can know. */
  readonly certificate: ClientCertificate | undefined
  /** The address that it came in by: tcp://127.0.0.1:1883. */
  readonly listener: string
}
