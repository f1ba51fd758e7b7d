import { describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import type { JsonAttributeAndObjectValue, JsonGeneralName } from "@peculiar/x509"
import { readPeerCertificate } from "../../src/transport/peer-certificate.ts"

// One after the other, for the second looks for the first.
await import("reflect-metadata")
const x509 = await import("@peculiar/x509")

const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])

async function read(name: JsonAttributeAndObjectValue[], alternatives: readonly JsonGeneralName[] = []) {
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: new x509.Name(name),
    serialNumber: "0aBc",
    notBefore: new Date(Date.UTC(2026, 0)),
    notAfter: new Date(Date.UTC(2027, 0)),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions:
      alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...alternatives])],
  })
  return readPeerCertificate(new X509Certificate(Buffer.from(made.rawData)))
}

const cn = (utf8String: string) => ({ CN: [{ utf8String }] })

describe("The common name of a certificate", () => {
  test("is the name as it was given, whatever signs it holds", async () => {
    for (const name of ["a device", 'a, "b"+c\\d=#;<>', "CN=b", "é🐓", " with room "]) {
      expect((await read([cn(name)])).commonName).toBe(name)
    }
  })

  test("is none where there are two, in one part or in several", async () => {
    expect((await read([cn("a"), cn("b")])).commonName).toBeUndefined()
    expect((await read([{ CN: [{ utf8String: "a" }, { utf8String: "b" }] }])).commonName).toBeUndefined()
    expect((await read([cn("a"), cn("a")])).commonName).toBeUndefined()
  })

  test("is none where it is absent, empty, or holds a control character", async () => {
    expect((await read([{ O: [{ utf8String: "an organisation" }] }])).commonName).toBeUndefined()
    expect((await read([])).commonName).toBeUndefined()
    for (const name of ["", "admin\u0000.example", "a\nCN=admin", "a\rb", "\u007f", "a\u0085b"]) {
      expect((await read([cn(name)])).commonName).toBeUndefined()
    }
  })

  test("cannot be forged by another part of the subject", async () => {
    const forged = await read([
      { O: [{ utf8String: "x\nCN=admin" }] },
      { OU: [{ utf8String: "y + CN=admin" }] },
    ])
    expect(forged.commonName).toBeUndefined()
    expect(forged.subject).toBe("OU=y \\+ CN=admin,O=x\\0ACN=admin")
  })
})

describe("The alternative names of a certificate", () => {
  test("are told apart by their kind", async () => {
    const { alternativeNames } = await read(
      [cn("a")],
      [
        { type: "dns", value: "a.example" },
        { type: "email", value: "a@example.org" },
        { type: "url", value: "spiffe://example.org/a" },
        { type: "ip", value: "192.0.2.1" },
        { type: "dns", value: "b.example" },
      ],
    )
    expect(alternativeNames).toEqual({
      dns: ["a.example", "b.example"],
      email: ["a@example.org"],
      uri: ["spiffe://example.org/a"],
    })
  })

  test("with commas and quotes stay one name each (CVE-2021-44532)", async () => {
    const names = [
      "a, DNS:admin",
      'a", DNS:"admin',
      "DNS:admin",
      "a,b",
      '"admin"',
      "back\\slash",
      "a, email:b@c",
    ]
    const { alternativeNames } = await read(
      [cn("a")],
      names.map((value) => ({ type: "dns", value })),
    )
    expect(alternativeNames).toEqual({ dns: names, email: [], uri: [] })
  })

  test("with control characters, or of a kind nobody asks for, are left out", async () => {
    const { alternativeNames } = await read(
      [cn("a")],
      [
        { type: "dns", value: "admin\u0000.example" },
        { type: "url", value: "x:\n, URI:admin" },
        { type: "dn", value: "CN=DNS:admin, O=x" },
        { type: "upn", value: "DNS:admin" },
        { type: "id", value: "1.2.3" },
      ],
    )
    expect(alternativeNames).toEqual({ dns: [], email: [], uri: [] })
  })
})

test("Fingerprint, serial number, subject and end are told in one form each", async () => {
  const certificate = await read([cn("a device"), { O: [{ utf8String: "Example, Ltd" }] }])
  expect(certificate.subject).toBe("O=Example\\, Ltd,CN=a device")
  expect(certificate.serialNumber).toBe("0abc")
  expect(certificate.fingerprint256).toMatch(/^[\da-f]{64}$/)
  expect(certificate.validToMs).toBe(Date.UTC(2027, 0))
})
