import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { generateKeyPairSync } from "node:crypto"
import { CertificateAuthority } from "../../support/certificates.ts"
import { readPublicKeys, readSecret, TokenKeyError } from "../../../src/security/authentication/token-keys.ts"
import {
  keyPairFor,
  outcome,
  publicJwk,
  publicPem,
  rsaKeyPair,
  signed,
  TokenDesk,
} from "../../support/tokens.ts"

let desk: TokenDesk
beforeEach(() => {
  desk = new TokenDesk()
})
afterEach(() => desk[Symbol.dispose]())

/** What is said of the file, without its path. */
function complaint(read: (file: string) => unknown, content: string | Uint8Array): string {
  const file = desk.file("keys", content)
  try {
    read(file)
  } catch (error) {
    if (error instanceof TokenKeyError) return error.message.replace(`${file} `, "")
    throw error
  }
  return "none"
}

describe("a secret", () => {
  const read =
    (...algorithms: readonly string[]) =>
    (file: string) =>
      readSecret(file, algorithms)

  test("is as long as the longest hash [RFC 7518, section 3.2]", () => {
    expect(complaint(read("HS256"), "x".repeat(32))).toBe("none")
    expect(complaint(read("HS256"), "x".repeat(31))).toBe(
      "holds a secret of 31 bytes, too short for HS256; make one of at least 32",
    )
    expect(complaint(read("HS256", "HS512"), "x".repeat(63))).toBe(
      "holds a secret of 63 bytes, too short for HS512; make one of at least 64",
    )
    expect(complaint(read("HS256"), "")).toContain("holds a secret of 0 bytes")
  })

  test("is every byte of the file but one newline at its end", async () => {
    expect(complaint(read("HS256"), `${"x".repeat(31)}\n`)).toContain("31 bytes")
    const bytes = new Uint8Array(33).fill(0x0a)
    const jwt = desk.authenticator({ kind: "secret", file: desk.file("secret", bytes) }, ["HS256"])
    const token = await signed({ sub: "ann", exp: desk.now + 1 }, bytes.subarray(1), { alg: "HS256" })
    const credentials = {
      clientId: "",
      username: undefined,
      remoteAddress: "",
      certificate: undefined,
      listener: "",
    }
    const verdict = await jwt.authenticate({ ...credentials, password: Buffer.from(token) })
    expect(outcome(verdict)).toBe("accept ann")
  })

  test("that is not there is named", () => {
    const file = `${desk.folder}/nowhere`
    const said = `${file} cannot be read (ENOENT); check its path and its mode`
    expect(() => readSecret(file, ["HS256"])).toThrow(said)
    expect(() => readPublicKeys(file, ["ES256"])).toThrow(said)
  })
})

describe("a public key", () => {
  const read =
    (...algorithms: readonly string[]) =>
    (file: string) =>
      readPublicKeys(file, algorithms)
  const pem = (algorithm: string) => publicPem(keyPairFor(algorithm))

  test("is taken for the algorithms that it is for", () => {
    expect(complaint(read("RS256", "PS512"), publicPem(rsaKeyPair))).toBe("none")
    for (const algorithm of ["ES256", "ES384", "ES512", "EdDSA"]) {
      expect(complaint(read(algorithm), pem(algorithm))).toBe("none")
    }
    const other =
      "holds no public key for ES256; name another file, or take the algorithm out of jwt.algorithms"
    expect(complaint(read("ES256"), pem("ES384"))).toBe(other)
    expect(complaint(read("ES256"), publicPem(rsaKeyPair))).toBe(other)
    expect(complaint(read("ES384", "ES256"), pem("ES384"))).toBe(other)
    expect(complaint(read("HS256"), publicPem(rsaKeyPair))).toContain("holds no public key for HS256")
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 })
    expect(complaint(read("RS256"), publicPem(short))).toContain("holds no public key for RS256")
  })

  test("is taken out of a certificate", () => {
    using authority = new CertificateAuthority()
    expect(() => readPublicKeys(authority.caFile, ["ES256"])).not.toThrow()
    expect(() => readPublicKeys(authority.caFile, ["RS256"])).toThrow("holds no public key for RS256")
  })

  test("is taken out of a set, which may hold others as well", () => {
    const keys = [publicJwk(keyPairFor("ES256")), publicJwk(rsaKeyPair, { use: "sig" })]
    const strange = { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA" }
    expect(complaint(read("ES256", "RS256"), JSON.stringify({ keys: [strange, ...keys] }))).toBe("none")
    expect(complaint(read("PS256"), JSON.stringify(publicJwk(rsaKeyPair, { alg: "RS256" })))).toContain(
      "PS256",
    )
    expect(complaint(read("RS256"), JSON.stringify(publicJwk(rsaKeyPair, { use: "enc" })))).toContain("RS256")
    expect(complaint(read("ES256"), JSON.stringify({ keys: [] }))).toContain("holds no public key for ES256")
  })

  test("is public", () => {
    const { privateKey } = keyPairFor("ES256")
    const said = "holds a private key, which is for whoever issues tokens; name the public one"
    for (const type of ["pkcs8", "sec1"] as const) {
      expect(complaint(read("ES256"), privateKey.export({ type, format: "pem" }).toString())).toBe(said)
    }
    expect(complaint(read("ES256"), JSON.stringify(privateKey.export({ format: "jwk" })))).toBe(said)
    expect(complaint(read("ES256"), JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }] }))).toBe(said)
  })

  test.each([
    ["", "holds neither PEM nor JSON; name a public key, a JWK or a JWKS"],
    ["nonsense", "holds neither PEM nor JSON; name a public key, a JWK or a JWKS"],
    ["[]", "holds no JWK or JWKS; check the file"],
    ['{"keys":["a"]}', "holds no JWK or JWKS; check the file"],
    ["{}", "holds no public key for ES256; name another file, or take the algorithm out of jwt.algorithms"],
    [
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "holds no public key or certificate in PEM that can be read; check the file",
    ],
    [
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "holds no public key or certificate in PEM that can be read; check the file",
    ],
  ])("is not %j", (content, said) => {
    expect(complaint(read("ES256"), content)).toBe(said)
  })
})
