import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CertificateError } from "../../src/certificates/certificate-error.ts"
import { CertificateFolder } from "../../src/certificates/certificate-folder.ts"
import { certificateFacts } from "../../src/certificates/facts.ts"

let path: string
let folder: CertificateFolder
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), "bantam-certificates-"))
  folder = new CertificateFolder(path)
  await folder.makeAuthority("A test's CA", 3_650)
})
afterEach(() => rmSync(path, { recursive: true }))

/** @returns whether it was content, and all it said */
function openssl(...words: readonly string[]): { readonly ok: boolean; readonly said: string } {
  const { success, stdout, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: path })
  return { ok: success, said: stdout.toString() + stderr.toString() }
}

const text = (file: string) => openssl("x509", "-in", file, "-noout", "-text").said

describe("An authority", () => {
  test("may sign certificates and lists, and nothing else", () => {
    const said = text("ca.pem")
    expect(said).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    expect(said).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    expect(said).toContain("Subject Key Identifier")
    expect(said).toContain("NIST CURVE: P-256")
    expect(openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "ca.pem").ok).toBe(true)
  })

  test("begins with a list of nothing", () => {
    const list = openssl("crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "ca.pem")
    expect(list.said).toContain("verify OK")
    expect(list.said).toContain("No Revoked Certificates")
    expect(list.said).toMatch(/CRL Number: \n\s+(0x[\dA-F]+|\d+)\n/)
  })

  test("is made anew over what a crash has left half written, and the key stays its owner's alone", async () => {
    // In a container each run may have the same number.
    writeFileSync(join(path, `ca.key.${process.pid}`), "half a k", { mode: 0o644 })
    await new CertificateFolder(path, true).makeAuthority("A test's CA", 3_650)
    expect(statSync(join(path, "ca.key")).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(path, "ca.key"), "utf8")).toStartWith("-----BEGIN PRIVATE KEY-----\n")
  })

  test("keeps its key to its owner, as PKCS#8", () => {
    expect(statSync(join(path, "ca.key")).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(path, "ca.key"), "utf8")).toStartWith("-----BEGIN PRIVATE KEY-----\n")
  })
})

describe("What an authority issues", () => {
  test("to a server is good for its names and addresses, and for servers alone", async () => {
    await folder.issueServer(["localhost", "*.example.org", "192.168.1.5", "2001:db8::1"], 825)
    const said = text("localhost.pem")
    expect(said).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/)
    expect(said).toMatch(/Key Usage: critical\s+Digital Signature\n/)
    expect(said).toMatch(/Extended Key Usage: \s+TLS Web Server Authentication\n/)
    expect(said).toContain("DNS:localhost, DNS:*.example.org, IP Address:192.168.1.5, IP Address:2001:DB8:")
    expect(said).toContain("Authority Key Identifier")
    const verify = (...words: readonly string[]) =>
      openssl("verify", "-x509_strict", "-CAfile", "ca.pem", ...words, "localhost.pem").ok
    expect(verify("-purpose", "sslserver", "-verify_hostname", "a.example.org")).toBe(true)
    expect(verify("-purpose", "sslserver", "-verify_ip", "192.168.1.5")).toBe(true)
    expect(verify("-purpose", "sslserver", "-verify_hostname", "example.com")).toBe(false)
    expect(verify("-purpose", "sslclient")).toBe(false)
    expect(statSync(join(path, "localhost.key")).mode & 0o777).toBe(0o600)
  })

  test("to a server is good for names that are too long for a common name, of which it has the first that fits", async () => {
    const long = `${"a".repeat(63)}.example.org`
    for (const [hosts, commonName] of [
      [[long, "b.example.org", "c.example.org"], "b.example.org"],
      [[long, `*.${long}`], undefined],
    ] as const) {
      const { certFile } = await new CertificateFolder(path, true).issueServer([...hosts], 825)
      expect(certFile).toBe(join(path, `${long}.pem`))
      expect(new X509Certificate(readFileSync(certFile)).toLegacyObject().subject?.CN).toBe(commonName)
      for (const host of hosts) {
        const words = ["-purpose", "sslserver", "-verify_hostname", host.replace("*", "x"), certFile]
        expect(openssl("verify", "-x509_strict", "-CAfile", "ca.pem", ...words).said).toBe(
          `${certFile}: OK\n`,
        )
      }
    }
  })

  test("to a client is good for clients alone, whatever it is called", async () => {
    for (const name of ["sensor-7", 'a, "b"+c', "é🐓"]) {
      const { certFile } = await folder.issueClient(name, 825)
      const verify = (purpose: string) =>
        openssl("verify", "-CAfile", "ca.pem", "-purpose", purpose, certFile).ok
      expect([verify("sslclient"), verify("sslserver")]).toEqual([true, false])
      expect(new X509Certificate(readFileSync(certFile)).toLegacyObject().subject.CN).toBe(name)
    }
  })

  test("has a serial number of 16 random bytes each", async () => {
    const serials = new Set<string>()
    for (const name of ["a", "b", "c"]) {
      const { certFile } = await folder.issueClient(name, 1)
      const { serialNumber } = new X509Certificate(readFileSync(certFile))
      expect(serialNumber).toMatch(/^[4-7][\dA-F]{31}$/)
      serials.add(serialNumber)
    }
    expect(serials.size).toBe(3)
  })

  test("does not outlive the authority", async () => {
    const short = new CertificateFolder(join(path, "short"))
    await short.makeAuthority("short", 1)
    const { certFile } = await short.issueClient("a", 825)
    const [issued, authority] = [certFile, short.authority.certFile].map((file) => {
      return new X509Certificate(readFileSync(file)).validTo
    })
    expect(issued).toBe(authority)
  })

  test("never leaves the folder, nor takes the place of the authority", async () => {
    const { certFile } = await folder.issueClient("../../etc/a", 1)
    expect(certFile).toBe(join(path, "_._.._etc_a.pem"))
    await expect(folder.issueClient("ca", 1)).rejects.toThrow("choose another name")
  })

  test("takes the place of an older one only by force", async () => {
    const { certFile, keyFile } = await folder.issueClient("a", 1)
    const before = [certFile, keyFile].map((file) => readFileSync(file, "utf8"))
    await expect(folder.issueClient("a", 1)).rejects.toThrow(
      `${certFile} exists already; replace it with --force`,
    )
    await expect(folder.makeAuthority("another", 1)).rejects.toThrow("exists already")
    expect([certFile, keyFile].map((file) => readFileSync(file, "utf8"))).toEqual(before)
    await new CertificateFolder(path, true).issueClient("a", 1)
    expect(readFileSync(certFile, "utf8")).not.toBe(before[0] ?? "")
  })

  test.each(["a b", "a..b", "", "-a", "1.2.3", "fe80::1%lo", "a/b"])(
    "is refused to a server %j",
    async (host) => {
      await expect(folder.issueServer([host], 1)).rejects.toThrow(
        "is no host name and no IP address; write one",
      )
    },
  )

  test.each(["", " ", "a\nb", "a\u0000", "x".repeat(65)])("is refused to a client %j", async (name) => {
    await expect(folder.issueClient(name, 1)).rejects.toThrow("cannot be the name in a certificate")
  })
})

describe("What is revoked", () => {
  test("is on the list from then on, beside what was there before", async () => {
    const files = await Promise.all(["a", "b", "c"].map((name) => folder.issueClient(name, 1)))
    for (const { certFile } of files.slice(0, 2)) await folder.revoke(certFile)
    writeFileSync(
      join(path, "both.pem"),
      ["ca.pem", "crl.pem"].map((name) => readFileSync(join(path, name))).join(""),
    )
    const verify = (name: string) => openssl("verify", "-crl_check", "-CAfile", "both.pem", name).said
    expect(verify("a.pem")).toContain("certificate revoked")
    expect(verify("b.pem")).toContain("certificate revoked")
    expect(verify("c.pem")).toContain("c.pem: OK")
    expect(openssl("crl", "-in", "crl.pem", "-noout", "-CAfile", "ca.pem").said).toContain("verify OK")
  })

  test("at the same time as another is on the list with it", async () => {
    const files = await Promise.all(["a", "b", "c"].map((name) => folder.issueClient(name, 1)))
    await Promise.all(files.map(({ certFile }) => new CertificateFolder(path).revoke(certFile)))
    const { said } = openssl("crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "ca.pem")
    expect(said).toContain("verify OK")
    expect(said.match(/Serial Number: /g)).toHaveLength(3)
  })

  test("is read by the library that listens, which is stricter than OpenSSL", async () => {
    const { certFile, keyFile } = await folder.issueServer(["localhost"], 1)
    await folder.revoke((await folder.issueClient("a", 1)).certFile)
    await folder.revoke((await folder.issueClient("b", 1)).certFile)
    const [cert, key, ca, crl] = [certFile, keyFile, folder.authority.certFile, folder.listFile].map((file) =>
      readFileSync(file, "utf8"),
    )
    const tls = { cert, key, ca, crl, requestCert: true }
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, tls, socket: { data() {} } })
    expect(listener.port).toBeGreaterThan(0)
    listener.stop()
  })

  test("was issued by this authority, and is revoked once", async () => {
    const other = new CertificateFolder(join(path, "other"))
    await other.makeAuthority("A test's CA", 1)
    const { certFile } = await other.issueClient("a", 1)
    await expect(folder.revoke(certFile)).rejects.toThrow(`${certFile}: it is of another authority`)
    await other.revoke(certFile)
    await expect(other.revoke(certFile)).rejects.toThrow(`${certFile}: it is revoked already`)
    await expect(folder.revoke(join(path, "ca.key"))).rejects.toThrow("it holds no certificate in PEM")
    await expect(folder.revoke(join(path, "absent"))).rejects.toThrow(
      "absent: it does not exist; check the path",
    )
  })
})

test("A key that is not the authority's, or of another kind, is told by its file", async () => {
  const { keyFile } = await folder.issueClient("a", 1)
  writeFileSync(folder.authority.keyFile, readFileSync(keyFile))
  await expect(folder.issueClient("b", 1)).rejects.toThrow(
    `${folder.authority.certFile}: its key is another one's`,
  )
  openssl("genrsa", "-out", "ca.key", "2048")
  await expect(folder.issueClient("b", 1)).rejects.toThrow("is not of the kind that `bantam cert ca` makes")
  writeFileSync(folder.authority.keyFile, "no key")
  await expect(folder.issueClient("b", 1)).rejects.toThrow(CertificateError)
})

test("The facts of a file are those of each certificate in it", async () => {
  const { certFile } = await folder.issueServer(["localhost", "127.0.0.1"], 1)
  const chain = readFileSync(certFile, "utf8") + readFileSync(folder.authority.certFile, "utf8")
  const fingerprint = openssl("x509", "-in", certFile, "-noout", "-fingerprint", "-sha256").said
  expect(certificateFacts(chain)).toMatchObject([
    {
      subject: "CN=localhost",
      issuer: "CN=A test's CA",
      alternativeNames: ["DNS:localhost", "IP Address:127.0.0.1"],
      isAuthority: false,
      fingerprint256: fingerprint.split("=")[1]?.trim().replaceAll(":", "").toLowerCase(),
    },
    { subject: "CN=A test's CA", isAuthority: true },
  ])
  expect(() => certificateFacts("nothing")).toThrow("it holds no certificate in PEM")
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
  expect(() => certificateFacts(damaged)).toThrow("the certificate in it is damaged")
})
