import { afterAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Trust } from "../../src/certificates/distrust.ts"
import type { Pair } from "../../src/certificates/pair.ts"
import { readPeerCertificate } from "../../src/transport/peer-certificate.ts"
import { CertificateAuthority } from "../support/certificates.ts"

await import("../../src/certificates/metadata.ts")
const { Authority } = await import("../../src/certificates/authority.ts")
const { distrustAfter } = await import("../../src/certificates/distrust.ts")

const openssl = new CertificateAuthority()
afterAll(() => openssl[Symbol.dispose]())

const shown = (pem: string) => readPeerCertificate(new X509Certificate(pem))
const read = (file: string) => readFileSync(file, "utf8")
const revokedNow = "its certificate was revoked"
const dismissedNow = "the authority of its certificate is not trusted any more"
/** Whoever has signed is believed, and nothing is revoked. */
const trustIn = (...pairs: readonly Pair[]): Trust => ({
  authorities: pairs.map(({ certificate }) => certificate).join(""),
  revoked: undefined,
})
/** What a client has to show that an authority has issued. */
const issuedBy = async (pair: Pair) =>
  shown((await (await Authority.read(pair)).issueClient("a", 5)).certificate)

describe("A certificate that was trusted", () => {
  test("is not any more once it is revoked, and another of the same authority is", async () => {
    const pair = await Authority.make("Plants, north", 10)
    const authority = await Authority.read(pair)
    const [lost, kept] = [await authority.issueClient("lost", 5), await authority.issueClient("kept", 5)]
    const before: Trust = { authorities: pair.certificate, revoked: undefined }
    const after = { ...before, revoked: await authority.revoke(undefined, lost.certificate) }
    const distrust = distrustAfter([before], after)
    expect([distrust(shown(lost.certificate)), distrust(shown(kept.certificate))]).toEqual([
      revokedNow,
      undefined,
    ])
  })

  test("and was made and revoked by OpenSSL is found as well", () => {
    const [lost, kept] = [openssl.client("lost"), openssl.client("kept")]
    const trust = { authorities: read(openssl.caFile), revoked: read(openssl.revoke(lost)) }
    const distrust = distrustAfter([], trust)
    expect([distrust(shown(read(lost.certFile))), distrust(shown(read(kept.certFile)))]).toEqual([
      revokedNow,
      undefined,
    ])
  })

  test("is not revoked by a list of another authority that has the same number in it", async () => {
    const [one, other] = [await Authority.make("one", 10), await Authority.make("other", 10)]
    const revoker = await Authority.read(other)
    const lost = await revoker.issueClient("b", 5)
    const authorities = one.certificate + other.certificate
    const distrust = distrustAfter([], {
      authorities,
      revoked: await revoker.revoke(undefined, lost.certificate),
    })
    const certificate = shown(lost.certificate)
    expect(distrust(certificate)).toBe(revokedNow)
    expect(distrust({ ...certificate, issuer: "CN=one" })).toBeUndefined()
  })

  test("is not any more when its authority is not", async () => {
    const [old, next] = [await Authority.make("old", 10), await Authority.make("next", 10)]
    const client = shown((await (await Authority.read(old)).issueClient("a", 5)).certificate)
    const trusts = [old.certificate, old.certificate + next.certificate, next.certificate].map(
      (authorities): Trust => ({ authorities, revoked: undefined }),
    )
    const [first, both, last] = trusts
    if (first === undefined || both === undefined || last === undefined) throw new Error("there are three")
    expect(distrustAfter([first], both)(client)).toBeUndefined()
    expect(distrustAfter([first, both], last)(client)).toBe(dismissedNow)
    // One that was never named stands behind one that is.
    expect(distrustAfter([last], last)(client)).toBeUndefined()
  })

  test("is not any more when its authority was made anew under the same name, and one of the new key is", async () => {
    const [stolen, next] = [await Authority.make("Bantam CA", 10), await Authority.make("Bantam CA", 10)]
    const [old, renewed] = [await issuedBy(stolen), await issuedBy(next)]
    expect(old.issuer).toBe(renewed.issuer)
    const distrust = distrustAfter([trustIn(stolen), trustIn(next)], trustIn(next))
    expect([distrust(old), distrust(renewed)]).toEqual([dismissedNow, undefined])
    // While both are believed, nobody has to leave; and who comes back is believed again.
    const both = distrustAfter([trustIn(stolen)], trustIn(stolen, next))
    expect([both(old), both(renewed)]).toEqual([undefined, undefined])
    const back = distrustAfter([trustIn(stolen), trustIn(next)], trustIn(stolen))
    expect([back(old), back(renewed)]).toEqual([undefined, dismissedNow])
  })

  test("still is when its authority has renewed its own with the same key", async () => {
    const first = await Authority.make("Bantam CA", 10)
    const renewed = { ...first, certificate: openssl.renewed(first) }
    expect(renewed.certificate).not.toBe(first.certificate)
    const distrust = distrustAfter([trustIn(first), trustIn(renewed)], trustIn(renewed))
    expect([distrust(await issuedBy(first)), distrust(await issuedBy(renewed))]).toEqual([
      undefined,
      undefined,
    ])
  })

  test("is not any more when its authority has taken a key of a kind that nobody here can verify", async () => {
    const old = await Authority.make("Bantam CA", 10)
    const strange = { authorities: openssl.strange("Bantam CA"), revoked: undefined }
    expect(distrustAfter([trustIn(old), strange], strange)(await issuedBy(old))).toBe(dismissedNow)
  })

  test("cannot be judged by a list that is damaged", () => {
    const revoked = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
    expect(() => distrustAfter([], { authorities: read(openssl.caFile), revoked })).toThrow("is damaged")
  })
})
