/** A certificate and its private key in PEM, the key as PKCS#8. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}
