import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import {
  hashPassword,
  isOutdatedHash,
  PasswordVerifier,
} from "../../../src/security/authentication/password.ts"

const secret = new TextEncoder().encode("correct horse")

const mosquitto7 =
  "$7$101$e6ZayD/jtbX66PEM$WzPNz0lLJwQWIRdD5tXZ8YMCLEpdRWXlEJgiPVTtxDSsPEchSWuJ6rOmtlYDg8KkKexz9BFLzJuUrKtA3FA62A=="
const mosquitto6 =
  "$6$TrcIm87Kh3zNnZjv$UTZT0O/1hZcTgpE1u8ZeUt2h+XONNuTpPGFJvAAukdA7SKEJ3Bg6xYEZ32W5hDosmO5ZD79sgNeFrGGDTIhNvQ=="

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
    const source = readFileSync(
      new URL("../../../src/security/authentication/password.ts", import.meta.url),
      "utf8",
    )
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

  test("a hash that cannot be read opens nothing, and frees its place", async () => {
    const verifier = new PasswordVerifier({ atOnce: 1, waiting: 0 })
    for (const hash of [
      "nonsense",
      "",
      "$6$$",
      "$7$0$c2FsdA==$YQ==",
      "$7$99999999$a$a",
      "$argon2id$v=19$",
      "$2b$10$x",
    ]) {
      expect([hash, await verifier.verify(secret, hash)]).toEqual([hash, "unreadable"])
    }
    expect(await verifier.verify(secret, undefined)).toBe("mismatch")
  })

  test("hashes of other programs are verified as they are", async () => {
    const verifier = new PasswordVerifier()
    const hashes = [
      // Written by mosquitto_passwd 2.0.11 (the second with -H sha512) and, for argon2id, as its 2.1 does.
      mosquitto7,
      mosquitto6,
      await Bun.password.hash(secret, { algorithm: "argon2id", memoryCost: 47_104, timeCost: 1 }),
      await Bun.password.hash(secret, { algorithm: "bcrypt", cost: 4 }),
    ]
    for (const hash of hashes) {
      expect([hash, await verifier.verify(secret, hash)]).toEqual([hash, "match"])
      expect([hash, await verifier.verify(secret.subarray(1), hash)]).toEqual([hash, "mismatch"])
      expect(isOutdatedHash(hash)).toBe(true)
    }
    expect(isOutdatedHash(await hashPassword(secret))).toBe(false)
  })

  test("of a password bcrypt takes what other programs take: the first 72 bytes", async () => {
    const long = new Uint8Array(100).fill(97)
    const hash = await Bun.password.hash(long.subarray(0, 72), { algorithm: "bcrypt", cost: 4 })
    expect(await new PasswordVerifier().verify(long, hash)).toBe("match")
  })
})
