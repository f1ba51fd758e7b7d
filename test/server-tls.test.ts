import { afterAll, afterEach, describe, expect, test } from "bun:test"
import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { CertificateFolder } from "../src/certificates/certificate-folder.ts"
import { loadSettings } from "../src/config/load.ts"
import type { LogFields } from "../src/foundation/log.ts"
import { type Server, startServer } from "../src/server.ts"
import { connect } from "../src/transport/connect.ts"
import { CertificateAuthority } from "./support/certificates.ts"
import { silentLog } from "./support/silent-log.ts"
import { TurnedClock } from "./support/turned-clock.ts"
import { Recorder } from "./transport/recorder.ts"

const authority = new CertificateAuthority()
let server: Server | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})
afterAll(() => authority[Symbol.dispose]())

/** A broker with these listeners, whose log can be waited for. */
async function serving(listen: string) {
  const file = join(authority.folder, "bantam.toml")
  writeFileSync(file, `listen = [${listen}]\n[storage]\nephemeral = true\n`)
  const clock = new TurnedClock(Date.now())
  const lines: (readonly [string, LogFields | undefined])[] = []
  const waiting = new Map<string, (fields: LogFields | undefined) => void>()
  const say = (sentence: string, fields?: LogFields) => {
    lines.push([sentence, fields])
    waiting.get(sentence)?.(fields)
  }
  const says = (sentence: string) => {
    return new Promise<LogFields | undefined>((resolve) => waiting.set(sentence, resolve))
  }
  const settings = loadSettings({ file })
  server = await startServer(settings, {
    log: { ...silentLog, info: say, warn: say },
    version: "test",
    clock,
  })
  const port = Number(new URL(server.urls[0] ?? "").port)
  return { clock, lines, says, port, settings }
}

/** The fingerprint of the certificate that is shown at a port. */
function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on("error", reject)
  })
}

/** All are called the same. */
async function newAuthority(folderName: string): Promise<CertificateFolder> {
  const folder = new CertificateFolder(join(authority.folder, folderName))
  await folder.makeAuthority("Bantam CA", 1)
  return folder
}

const toml = (path: string) => JSON.stringify(path)

describe("A broker", () => {
  test("tells who was refused a TLS handshake, and why", async () => {
    const { certFile, keyFile } = authority.server()
    const files = `cert_file = ${toml(certFile)}, key_file = ${toml(keyFile)}, ca_file = ${toml(authority.caFile)}`
    const { says, port } = await serving(
      `{ url = "tls://127.0.0.1:0", ${files}, require_client_certificate = true }`,
    )
    const said = says("TLS handshake refused")
    const dialed = connect(
      { scheme: "tls", host: "localhost", port, tls: { caFile: authority.caFile } },
      new Recorder(),
    )
    expect(await said).toEqual({ address: "127.0.0.1", why: "the client showed no certificate" })
    await dialed.catch(() => {})
  })

  test("takes new certificates without being told", async () => {
    const { certFile, keyFile } = authority.server()
    const live = join(authority.folder, "live.pem")
    copyFileSync(certFile, live)
    const { clock, lines } = await serving(
      `{ url = "tls://127.0.0.1:0", cert_file = ${toml(live)}, key_file = ${toml(keyFile)} }`,
    )
    clock.advance(5_000)
    expect(lines.at(-1)?.[0]).toBe("the server's certificate expires soon")
    writeFileSync(live, "half of it")
    clock.advance(5_000)
    expect(lines.at(-1)?.[0]).toBe("new certificates not taken; the old ones stay")
    copyFileSync(certFile, live)
    clock.advance(5_000)
    expect(lines.at(-1)?.[0]).toBe("certificates read again")
  })

  test("that is told to reload takes over all keys and certificates or, when one is no good, none", async () => {
    const [old, next] = [authority.server(), authority.server()]
    const files = [1, 2].map((number) => {
      const certFile = join(authority.folder, `${number}.pem`)
      const keyFile = join(authority.folder, `${number}.key`)
      return { certFile, keyFile }
    })
    const [first, second] = files
    const write = (file: (typeof files)[number] | undefined, from: typeof old): void => {
      copyFileSync(from.certFile, file?.certFile ?? "")
      copyFileSync(from.keyFile, file?.keyFile ?? "")
    }
    write(first, old)
    write(second, old)
    const listeners = files.map(
      ({ certFile, keyFile }) =>
        `{ url = "tls://127.0.0.1:0", cert_file = ${toml(certFile)}, key_file = ${toml(keyFile)} }`,
    )
    const { port, settings } = await serving(listeners.join())
    const before = await shownAt(port)
    write(first, next)
    writeFileSync(second?.certFile ?? "", "half of it")
    await expect(server?.reload(settings)).rejects.toThrow("holds no CERTIFICATE in PEM")
    // The kernel deals clients out to all who listen there.
    for (let count = 0; count < 5; count++) expect(await shownAt(port)).toBe(before)
    write(second, next)
    await server?.reload(settings)
    expect(await shownAt(port)).not.toBe(before)
  })

  test("ends the connections of a certificate once that is revoked", async () => {
    const { certFile, keyFile } = authority.server()
    const lost = authority.client("lost")
    const crlFile = join(authority.folder, "live.crl")
    copyFileSync(authority.revoke(authority.client("another")), crlFile)
    const files = `cert_file = ${toml(certFile)}, key_file = ${toml(keyFile)}, ca_file = ${toml(authority.caFile)}`
    const { clock, says, port } = await serving(
      `{ url = "tls://127.0.0.1:0", ${files}, crl_file = ${toml(crlFile)}, require_client_certificate = true }`,
    )
    const client = new Recorder()
    const tls = { caFile: authority.caFile, ...lost }
    const socket = await connect({ scheme: "tls", host: "localhost", port, tls }, client)
    const connected = says("client connected")
    socket.output.append(Buffer.from("100e00044d5154540402003c00026964", "hex"))
    await connected
    const sentAway = says("clients were sent away with their certificates")
    const ended = says("client disconnected")
    copyFileSync(authority.revoke(lost), crlFile)
    clock.advance(5_000)
    expect(await ended).toMatchObject({ why: "its certificate was revoked" })
    expect(await sentAway).toMatchObject({ count: 1 })
    await client.closing
  })

  test("ends the connections by the old key of an authority that was made anew under the same name", async () => {
    const { certFile, keyFile } = authority.server()
    const [stolen, next] = [await newAuthority("stolen"), await newAuthority("next")]
    const live = join(authority.folder, "live-ca.pem")
    copyFileSync(stolen.authority.certFile, live)
    const files = `cert_file = ${toml(certFile)}, key_file = ${toml(keyFile)}, ca_file = ${toml(live)}`
    const { clock, says, port } = await serving(
      `{ url = "tls://127.0.0.1:0", ${files}, require_client_certificate = true }`,
    )
    const enter = async (folder: CertificateFolder, clientId: string) => {
      const pair = await folder.issueClient(clientId, 1)
      const client = new Recorder()
      const tls = { caFile: authority.caFile, ...pair }
      const socket = await connect({ scheme: "tls", host: "localhost", port, tls }, client)
      const connected = says("client connected")
      socket.output.append(Buffer.from(`100e00044d5154540402003c0002${Buffer.from(clientId).toHex()}`, "hex"))
      await connected
      return client
    }
    const old = await enter(stolen, "ab")
    const sentAway = says("clients were sent away with their certificates")
    const ended = says("client disconnected")
    copyFileSync(next.authority.certFile, live)
    clock.advance(5_000)
    expect(await ended).toMatchObject({ why: "the authority of its certificate is not trusted any more" })
    expect(await sentAway).toMatchObject({ count: 1 })
    await old.closing
    await enter(next, "cd")
  })

  test("behind a proxy tells what is no PROXY header, and sees the client behind the proxy", async () => {
    const { says, lines, port } = await serving('{ url = "tcp://127.0.0.1:0", proxy_protocol = true }')
    const refused = says("PROXY header refused")
    const stranger = await connect({ scheme: "tcp", host: "127.0.0.1", port }, new Recorder())
    stranger.output.append(Buffer.from("hello"))
    expect(await refused).toMatchObject({
      address: "127.0.0.1",
      why: expect.stringContaining("there is none"),
    })

    // Through a proxy nobody comes from this machine, so he needs a name.
    const client = new Recorder()
    const proxy = await connect({ scheme: "tcp", host: "127.0.0.1", port }, client)
    const connectPacket = Buffer.from("100e00044d5154540402003c00027078", "hex")
    proxy.output.append(
      Buffer.concat([Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), connectPacket]),
    )
    await client.closing
    expect(JSON.stringify(lines)).toContain("192.0.2.7")
  })
})
