import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { examineTls, type TlsFiles } from "../../src/certificates/tls-health.ts"
import { CertificateAuthority } from "../support/certificates.ts"

const dayMs = 86_400_000

describe("the files of a TLS listener", () => {
  let authority: CertificateAuthority
  let other: CertificateAuthority
  beforeAll(() => {
    authority = new CertificateAuthority()
    other = new CertificateAuthority()
  })
  afterAll(() => {
    authority[Symbol.dispose]()
    other[Symbol.dispose]()
  })

  /** @returns what is not ok, as verdict and sentence */
  async function complaints(files: TlsFiles, afterDays = 0): Promise<string[]> {
    const findings = await examineTls(files, Date.now() + afterDays * dayMs)
    return findings.flatMap(({ verdict, what, remedy }) => {
      expect(remedy === undefined).toBe(verdict === "ok")
      return verdict === "ok" ? [] : [`${verdict}: ${what}`]
    })
  }

  function write(name: string, text: string): string {
    const file = join(authority.folder, name)
    writeFileSync(file, text)
    return file
  }

  const textOf = (file: string) => Bun.file(file).text()

  test("are well when certificate, key, authority and list fit, and are valid for long", async () => {
    const files = { ...authority.serverUntil(100), crlFile: authority.revoke(authority.client("gone")) }
    expect((await examineTls(files, Date.now())).map(({ verdict }) => verdict)).toEqual(["ok", "ok", "warn"])
    expect(await complaints(authority.serverUntil(100))).toEqual([])
  })

  test("are warned of two weeks before they expire, and fail from then on", async () => {
    const files = authority.serverUntil(100)
    expect(await complaints(files, 80)).toEqual([])
    expect(await complaints(files, 90)).toEqual([
      expect.stringMatching(/^warn: .*: CN=localhost is valid until .* \(\d days\)$/),
    ])
    expect(await complaints(files, 101)).toEqual([
      expect.stringMatching(/^fail: .*: CN=localhost expired on /),
    ])
    expect(await complaints(files, -1)).toEqual([expect.stringMatching(/^fail: .* is not valid before /)])
  })

  test("fail where the key is another one's, or cannot be read", async () => {
    const files = authority.serverUntil(100)
    const { keyFile } = authority.serverUntil(100)
    expect(await complaints({ ...files, keyFile })).toEqual([
      `fail: ${keyFile} is not the key of ${files.certFile}`,
    ])
    expect(await complaints({ ...files, keyFile: "/no/such.key" })).toEqual([
      "fail: /no/such.key: it does not exist",
    ])
    expect(await complaints({ ...files, certFile: "/no/such.pem" })).toEqual([
      "fail: /no/such.pem: it does not exist",
    ])
    expect(await complaints({ ...files, certFile: write("no.pem", "nothing") })).toEqual([
      expect.stringMatching(/^fail: .*no.pem: it holds no certificate in PEM$/),
    ])
  })

  test("fail where the chain is not one", async () => {
    const { certFile, keyFile } = authority.serverUntil(100)
    const leaf = await textOf(certFile)
    const right = write("chain.pem", leaf + (await textOf(authority.caFile)))
    expect(
      (await complaints({ certFile: right, keyFile })).filter((each) => each.startsWith("fail")),
    ).toEqual([])
    const wrong = write("no-chain.pem", leaf + leaf)
    expect(await complaints({ certFile: wrong, keyFile })).toEqual([
      `fail: ${wrong}: CN=localhost is not signed by CN=localhost, which comes next`,
    ])
  })

  test("fail where what is to sign client certificates is no authority", async () => {
    const files = authority.serverUntil(100)
    expect(await complaints({ ...files, caFile: files.certFile })).toEqual([
      `fail: ${files.certFile}: CN=localhost is no authority, so no client certificate is valid by it`,
    ])
  })

  test("fail where the list of what is revoked is over, another authority's, or none", async () => {
    const crlFile = authority.revoke(authority.client("gone"))
    const files = { ...authority.serverUntil(100), caFile: authority.caFile, crlFile }
    const ofList = async (given: TlsFiles, afterDays = 0) =>
      (await complaints(given, afterDays)).filter((each) => each.includes(given.crlFile ?? ""))
    expect(await ofList(files)).toEqual([expect.stringMatching(/^warn: .* revokes 1, made .* is over on /)])
    expect(await ofList(files, 3)).toEqual([
      expect.stringMatching(/^fail: .* was to be renewed by .*, so no client certificate is taken$/),
    ])
    const foreign = other.revoke(other.client("gone"))
    expect(await ofList({ ...files, crlFile: foreign })).toEqual([
      `fail: ${foreign} is not signed by an authority in tls.ca_file, so nobody heeds it`,
    ])
    expect(await ofList({ ...files, crlFile: files.certFile })).toContainEqual(
      expect.stringMatching(/^fail: /),
    )
  })
})
