import type { ScramMechanism } from "../../src/storage/account-store.ts"

/** What a test does otherwise than a client that follows RFC 5802. */
export interface ScramWords {
  /** `y,,`, `p=tls-unique,,`, `n,a=bob,` and their like. */
  readonly gs2Header?: string
  readonly nonce?: string
  /** Stands between the nonce and the proof. */
  readonly extension?: string
}

const text = new TextEncoder()

/**
 * The client's half of SCRAM on the Web's cryptography, so that nothing of what it proves rests on the broker's own
 * arithmetic.
 */
export class ScramClient {
  readonly mechanism: ScramMechanism
  readonly #password: string
  readonly #words: ScramWords
  readonly #gs2Header: string
  readonly #bare: string
  readonly #hash: "SHA-256" | "SHA-512"
  #signature = "nothing was proven yet"

  constructor(mechanism: ScramMechanism, username: string, password: string, words: ScramWords = {}) {
    this.mechanism = mechanism
    this.#password = password
    this.#words = words
    this.#hash = mechanism === "SCRAM-SHA-256" ? "SHA-256" : "SHA-512"
    this.#gs2Header = words.gs2Header ?? "n,,"
    const name = username.replaceAll("=", "=3D").replaceAll(",", "=2C")
    this.#bare = `n=${name},r=${words.nonce ?? crypto.randomUUID()}`
  }

  first(): Buffer {
    return Buffer.from(this.#gs2Header + this.#bare)
  }

  /** @throws Error when the challenge is none */
  async final(challenge: Uint8Array): Promise<Buffer> {
    const said = Buffer.from(challenge).toString()
    const [, nonce = "", salt = "", iterations = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(said) ?? []
    if (iterations === "") throw new Error(`no challenge: ${said}`)
    const salted = await this.#saltedPassword(Buffer.from(salt, "base64"), Number(iterations))
    const clientKey = await this.#hmac(salted, "Client Key")
    const storedKey = new Uint8Array(await crypto.subtle.digest(this.#hash, clientKey))
    const binding = Buffer.from(this.#gs2Header).toString("base64")
    const withoutProof = `c=${binding},r=${nonce}${this.#words.extension ?? ""}`
    const authMessage = `${this.#bare},${said},${withoutProof}`
    const signature = await this.#hmac(storedKey, authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    const serverKey = await this.#hmac(salted, "Server Key")
    this.#signature = Buffer.from(await this.#hmac(serverKey, authMessage)).toString("base64")
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`)
  }

  /** Whether the broker has shown that it knows the password's keys as well. */
  trusts(data: Uint8Array | undefined): boolean {
    return data !== undefined && Buffer.from(data).toString() === `v=${this.#signature}`
  }

  async #saltedPassword(salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<Uint8Array<ArrayBuffer>> {
    const key = await crypto.subtle.importKey("raw", text.encode(this.#password), "PBKDF2", false, [
      "deriveBits",
    ])
    const bits = this.#hash === "SHA-256" ? 256 : 512
    const parameters = { name: "PBKDF2", hash: this.#hash, salt, iterations }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, bits))
  }

  async #hmac(bytes: Uint8Array<ArrayBuffer>, message: string): Promise<Uint8Array<ArrayBuffer>> {
    const algorithm = { name: "HMAC", hash: this.#hash }
    const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"])
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(message)))
  }
}
