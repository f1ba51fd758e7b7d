import { afterAll, describe, expect, setSystemTime, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "../../src/transport/connect.ts"
import { listen } from "../../src/transport/listen.ts"
import { ListenError } from "../../src/transport/listen-error.ts"
import type { Listener, TlsSettings } from "../../src/transport/socket.ts"
import type { ClientTlsFiles } from "../../src/transport/tls-options.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import { Recorder } from "./recorder.ts"

const authority = new CertificateAuthority()
const stranger = new CertificateAuthority()
const server = authority.server()
const listeners: Listener[] = []
const bugs: unknown[] = []

afterAll(() => {
  for (const listener of listeners) listener.stop()
  authority[Symbol.dispose]()
  stranger[Symbol.dispose]()
  expect(bugs).toEqual([])
})

/** A listener that greets each owner it meets, and counts them. */
async function greeter(scheme: "tls" | "wss", tls: TlsSettings, handshakeTimeoutMs = 10_000) {
  const met: Recorder[] = []
  const address = { scheme, host: "127.0.0.1", port: 0 } as const
  const accept = (socket: Recorder["socket"] & object) => {
    const owner = new Recorder().owns(socket)
    met.push(owner)
    socket.output.append(Uint8Array.of(1))
    return owner
  }
  const listener = await listen(address, tls, accept, { onBug: (bug) => bugs.push(bug), handshakeTimeoutMs })
  listeners.push(listener)
  const port = Number(new URL(listener.url).port)
  const dial = (owner: Recorder, files: ClientTlsFiles) =>
    connect({ scheme, host: "localhost", port, tls: files }, owner)
  return { listener, port, met, dial }
}

/** A client that is turned away sees it before or after its own half of the handshake is done. */
async function isRefused(dialed: Promise<unknown>, client: Recorder): Promise<boolean> {
  const stood = await dialed.then(
    () => true,
    () => false,
  )
  if (stood) await client.closing
  return client.bytes === 0
}

function damagedList(): string {
  const file = join(authority.folder, "damaged.crl")
  writeFileSync(file, "-----BEGIN X509 CRL-----\nMAAB\n-----END X509 CRL-----\n")
  return file
}

const trusting = { caFile: authority.caFile }

describe.each(["tls", "wss"] as const)("a client certificate over %s", (scheme) => {
  const required = { ...server, caFile: authority.caFile, requireClientCertificate: true }

  test("of the authority is welcome", async () => {
    const { dial, met } = await greeter(scheme, required)
    const client = new Recorder()
    const socket = await dial(client, { ...trusting, ...authority.client("a device") })
    await client.has(1)
    expect(met.map(({ socket }) => socket?.peerCertificate?.commonName)).toEqual(["a device"])
    socket.terminate()
  })

  test.each([
    ["of another authority", () => stranger.client("a device")],
    ["that has expired", () => authority.expiredClient("a device")],
    ["that is missing", () => ({})],
  ])("%s is refused, and no owner hears of it", async (_, files) => {
    const { dial, met } = await greeter(scheme, required)
    const client = new Recorder()
    expect(await isRefused(dial(client, { ...trusting, ...files() }), client)).toBe(true)
    expect(met).toEqual([])
  })

  test("that was revoked is refused, and another of the same authority is not", async () => {
    const [lost, kept] = [authority.client("lost"), authority.client("kept")]
    const { dial, met } = await greeter(scheme, { ...required, crlFile: authority.revoke(lost) })
    const refused = new Recorder()
    expect(await isRefused(dial(refused, { ...trusting, ...lost }), refused)).toBe(true)
    expect(met).toEqual([])
    const welcome = new Recorder()
    const socket = await dial(welcome, { ...trusting, ...kept })
    await welcome.has(1)
    socket.terminate()
  })

  test("that is not required may be missing", async () => {
    const { dial } = await greeter(scheme, { ...server, caFile: authority.caFile })
    const client = new Recorder()
    const socket = await dial(client, trusting)
    await client.has(1)
    socket.terminate()
  })
})

test.each(["tls", "wss"] as const)(
  "one that is not required is refused over %s when it is not valid",
  async (scheme) => {
    const { dial, met } = await greeter(scheme, { ...server, caFile: authority.caFile })
    const client = new Recorder()
    expect(await isRefused(dial(client, { ...trusting, ...stranger.client("a device") }), client)).toBe(true)
    expect(met).toEqual([])
  },
)

describe.each(["tls", "wss"] as const)("the server's certificate over %s", (scheme) => {
  test("of an unknown authority is refused by the client, unless it is told to take any", async () => {
    const { dial } = await greeter(scheme, server)
    const owner = new Recorder()
    const refused = dial(owner, { caFile: stranger.caFile })
    await expect(refused).rejects.toThrow(/^Cannot connect to \w+:\/\/localhost:\d+(\/mqtt)?: .+\.$/)
    expect(owner.closings).toBe(0)
    const insecure = await dial(new Recorder(), { insecure: true })
    insecure.terminate()
  })

  test("signed by itself alone is refused by the client, unless it is told to take any", async () => {
    const itself = { certFile: stranger.caFile, keyFile: join(stranger.folder, "ca.key") }
    const { dial } = await greeter(scheme, itself)
    await expect(dial(new Recorder(), trusting)).rejects.toThrow("Cannot connect")
    const client = new Recorder()
    const insecure = await dial(client, { insecure: true })
    await client.has(1)
    insecure.terminate()
  })

  test("of another name is refused, unless that name is the one expected", async () => {
    const { dial } = await greeter(scheme, authority.server("other", "DNS:broker.example"))
    const refused = dial(new Recorder(), trusting)
    await expect(refused).rejects.toThrow("Cannot connect")
    const client = new Recorder()
    const socket = await dial(client, { ...trusting, serverName: "broker.example" })
    await client.has(1)
    socket.terminate()
  })

  test("is another after a reload; who is there stays, and a bad file changes nothing", async () => {
    const live = {
      certFile: join(authority.folder, `${scheme}.pem`),
      keyFile: join(authority.folder, `${scheme}.key`),
    }
    const install = async (files: typeof live) => {
      await Bun.write(live.certFile, Bun.file(files.certFile))
      await Bun.write(live.keyFile, Bun.file(files.keyFile))
    }
    await install(server)
    const { dial, listener, met } = await greeter(scheme, live)
    const early = new Recorder()
    const old = await dial(early, trusting)
    await early.has(1)

    writeFileSync(live.certFile, "not a certificate")
    expect(() => listener.reload?.()).toThrow(ListenError)
    const between = await dial(new Recorder(), trusting)
    between.terminate()

    await install(stranger.server())
    listener.reload?.()
    const refused = dial(new Recorder(), trusting)
    await expect(refused).rejects.toThrow("Cannot connect")
    const late = new Recorder()
    const renewed = await dial(late, { caFile: stranger.caFile })
    await late.has(1)
    old.output.append(Uint8Array.of(2))
    await met[0]?.has(1)
    expect(early.closings).toBe(0)
    old.terminate()
    renewed.terminate()
  })
})

describe("a TLS listener", () => {
  test("does not open with a certificate that is not valid yet", async () => {
    const address = { scheme: "tls", host: "127.0.0.1", port: 0 } as const
    setSystemTime(Date.now() - 24 * 60 * 60 * 1000)
    const opening = listen(address, server, () => new Recorder(), { onBug: () => {} })
    setSystemTime()
    await expect(opening).rejects.toThrow(/is not valid before \S+Z; check the clock, or wait\.$/)
  })

  test("closes a peer that does not shake hands in time", async () => {
    const { port, met } = await greeter("tls", server, 20)
    const client = new Recorder()
    await connect({ scheme: "tcp", host: "127.0.0.1", port }, client)
    await client.closing
    expect(met).toEqual([])
  })

  test("closes a peer that does not speak TLS", async () => {
    const { port, met } = await greeter("tls", server)
    const client = new Recorder()
    const socket = await connect({ scheme: "tcp", host: "127.0.0.1", port }, client)
    socket.output.append(Buffer.from("hello, is this a TLS server? it does not look like one"))
    await client.closing
    expect(met).toEqual([])
  })

  test("does not share its port with another program", async () => {
    const { port } = await greeter("tls", server)
    const address = { scheme: "tls", host: "127.0.0.1", port } as const
    const second = listen(address, server, () => new Recorder(), { onBug: () => {} })
    await expect(second).rejects.toThrow(
      `Cannot listen at tls://127.0.0.1:${port}: the port is in use; stop the program that holds it, or choose another port.`,
    )
  })

  test.each<[string, TlsSettings, string]>([
    [
      "a file that is not there",
      { ...server, certFile: "/nowhere/cert.pem" },
      "/nowhere/cert.pem does not exist",
    ],
    [
      "a key where a certificate should be",
      { ...server, certFile: server.keyFile },
      "holds no CERTIFICATE in PEM",
    ],
    ["a certificate where a key should be", { ...server, keyFile: server.certFile }, "holds no private key"],
    ["a key of another certificate", { ...server, keyFile: authority.server().keyFile }, "is not that of"],
    ["a requirement without an authority", { ...server, requireClientCertificate: true }, "no CA file"],
    ["a certificate that is over", { ...authority.serverUntil(-1) }, "; renew it"],
    [
      "a CRL that is damaged",
      { ...server, caFile: authority.caFile, crlFile: damagedList() },
      "its list of revoked certificates is damaged; check the file",
    ],
    ["a CRL that is none", { ...server, caFile: authority.caFile, crlFile: server.certFile }, "no X509 CRL"],
  ])("names %s", async (_, files, why) => {
    const address = { scheme: "tls", host: "127.0.0.1", port: 0 } as const
    const opening = listen(address, files, () => new Recorder(), { onBug: () => {} })
    await expect(opening).rejects.toThrow(ListenError)
    const message = await opening.then(
      () => "",
      (error: Error) => error.message,
    )
    expect(message).toContain(why)
    expect(message).toMatch(/^Cannot listen at tls:\/\/127\.0\.0\.1:0: .+\.$/)
  })
})
