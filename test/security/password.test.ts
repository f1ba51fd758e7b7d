import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { hashPassword, PasswordVerifier } from "../../src/security/password.ts"

const secret = new TextEncoder().encode("correct horse")

describe("Passwords", () => {
  test("a hash is argon2id, salted anew each time", async () => {
    const [one, other] = await Promise.all([hashPassword(secret), hashPassword(secret)])
    expect(one).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$")
    expect(one).not.toBe(other)
  })

  test("the right one matches, others do not, and none matches an unknown user", async () => {
    const hash = await hashPassword(secret)
    const verifier = new PasswordVerifier()
    expect(await verifier.verify(secret, hash)).toBe("match")
    expect(await verifier.verify(secret.subarray(1), hash)).toBe("mismatch")
    expect(await verifier.verify(new Uint8Array(0), hash)).toBe("mismatch")
    expect(await verifier.verify(secret, undefined)).toBe("mismatch")
  })

  test("bytes are compared, not text: what follows a zero counts", async () => {
    const hash = await hashPassword(Uint8Array.of(1, 0, 2))
    const verifier = new PasswordVerifier()
    expect(await verifier.verify(Uint8Array.of(1, 0, 2), hash)).toBe("match")
    expect(await verifier.verify(Uint8Array.of(1, 0, 3), hash)).toBe("mismatch")
    expect(await verifier.verify(Uint8Array.of(1), hash)).toBe("mismatch")
  })

  test("an unknown user costs as much as a known one", async () => {
    const source = readFileSync(new URL("../../src/security/password.ts", import.meta.url), "utf8")
    const cost = (await hashPassword(secret)).split("$").slice(0, 4).join("$")
    expect(source).toContain(`"${cost}$`)
  })

  test("so many at once, so many waiting; the next one is told that we are busy, and later ones get in again", async () => {
    const hash = await hashPassword(secret)
    const verifier = new PasswordVerifier({ atOnce: 1, waiting: 2 })
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => verifier.verify(secret, hash)))
    expect(verdicts).toEqual(["match", "match", "match", "busy"])
    expect(await verifier.verify(secret, hash)).toBe("match")
  })

  test("a hash that cannot be read frees its place", async () => {
    const verifier = new PasswordVerifier({ atOnce: 1, waiting: 0 })
    await expect(verifier.verify(secret, "nonsense")).rejects.toThrow("UnsupportedAlgorithm")
    expect(await verifier.verify(secret, undefined)).toBe("mismatch")
  })
})
