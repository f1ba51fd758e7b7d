import { afterAll, describe, expect, setSystemTime, test } from "bun:test"
import { copyFileSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import type { ConnectionOptions } from "node:tls"
import { listen } from "../../src/transport/listen.ts"
import type { Listener, Socket, TlsSettings } from "../../src/transport/socket.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import type { CertificateFiles } from "../support/certificates.ts"
import { Recorder } from "./recorder.ts"

const authority = new CertificateAuthority()
const stranger = new CertificateAuthority()
const server = authority.server()
const listeners: Listener[] = []

afterAll(() => {
  for (const listener of listeners) listener.stop()
  authority[Symbol.dispose]()
  stranger[Symbol.dispose]()
})

interface Refusal {
  readonly address: string
  readonly at: string
  readonly why: string
}

/** A listener that keeps whom it meets, and tells the next refusal. */
async function door(tls: TlsSettings, handshakeTimeoutMs = 10_000) {
  const met = Promise.withResolvers<Socket>()
  const all: Socket[] = []
  let awaited: (() => void) | undefined
  const refusal = Promise.withResolvers<Refusal>()
  const accept = (socket: Socket) => {
    met.resolve(socket)
    all.push(socket)
    awaited?.()
    return new Recorder().owns(socket)
  }
  const listener = await listen({ scheme: "tls", host: "127.0.0.1", port: 0 }, tls, accept, {
    onBug: (bug) => met.reject(bug),
    onRefused: (address, at, why) => refusal.resolve({ address, at, why }),
    handshakeTimeoutMs,
  })
  listeners.push(listener)
  /** Each once, in their order. */
  const nextMet = async (): Promise<Socket> => {
    for (;;) {
      const next = all.shift()
      if (next !== undefined) return next
      await new Promise<void>((resolve) => (awaited = resolve))
    }
  }
  const port = Number(new URL(listener.url).port)
  return { listener, port, met: met.promise, nextMet, refusal: refusal.promise }
}

function dial(port: number, files: CertificateFiles | undefined, options: ConnectionOptions = {}) {
  const shown = files && { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }
  const ca = readFileSync(authority.caFile)
  const socket = connectTls({ host: "127.0.0.1", servername: "localhost", port, ca, ...shown, ...options })
  // Being turned away is what the server's side tells of.
  socket.on("error", () => {})
  return socket
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("A handshake of %s", (version) => {
  const only = { minVersion: version, maxVersion: version }
  const required = { ...server, caFile: authority.caFile, requireClientCertificate: true }

  test("with a valid client certificate tells who it is", async () => {
    const { port, met } = await door(required)
    const client = dial(port, authority.client("a device"), only)
    const { peerCertificate } = await met
    expect(peerCertificate?.commonName).toBe("a device")
    expect(peerCertificate?.subject).toBe("CN=a device")
    client.destroy()
  })

  test.each<[string, () => CertificateFiles | undefined, string]>([
    ["that has expired", () => authority.expiredClient("old"), "the client's certificate has expired"],
    [
      "of another authority",
      () => stranger.client("a device"),
      "the client's certificate is of an authority that is not in the CA file",
    ],
    ["that is missing", () => undefined, "the client showed no certificate"],
  ])("with a client certificate %s is refused, and says so", async (_, files, why) => {
    const { port, refusal } = await door(required)
    const client = dial(port, files(), only)
    expect(await refusal).toEqual({ address: "127.0.0.1", at: "TLS handshake", why })
    client.destroy()
  })

  test("that goes on with an earlier session tells the same, and a reload ends such sessions", async () => {
    const lost = authority.client("a device")
    const crlFile = join(authority.folder, `${version}.crl`)
    copyFileSync(authority.revoke(authority.client("another")), crlFile)
    const { port, nextMet, listener, refusal } = await door({ ...required, crlFile })
    const before = dial(port, lost, only)
    const session = new Promise<Buffer>((resolve) => before.once("session", resolve))
    // The ticket of TLS 1.3 comes with the first bytes.
    ;(await nextMet()).output.append(Uint8Array.of(1))
    const resumed = dial(port, lost, { ...only, session: await session })
    const again = await nextMet()
    expect(resumed.isSessionReused()).toBe(true)
    expect(again.peerCertificate?.commonName).toBe("a device")
    copyFileSync(authority.revoke(lost), crlFile)
    expect(listener.reloadIfChanged?.()).toBe(true)
    const late = dial(port, lost, { ...only, session: await session })
    expect((await refusal).why).toBe("the client's certificate is revoked")
    for (const client of [before, resumed, late]) client.destroy()
  })

  test("that goes on with an earlier session is refused when the certificate has expired since", async () => {
    const { port, nextMet, refusal } = await door(required)
    const client = dial(port, authority.client("a device"), only)
    await nextMet()
    // The library has no clock that could be turned; to it the certificate is still good, as in an old session.
    setSystemTime(Date.now() + 3 * 24 * 60 * 60 * 1000)
    const late = dial(port, authority.client("a device"), only)
    const { why } = await refusal
    setSystemTime()
    expect(why).toBe("the client's certificate has expired")
    for (const each of [client, late]) each.destroy()
  })

  test("with a revoked client certificate is refused, and says so", async () => {
    const lost = authority.client("lost")
    const { port, refusal } = await door({ ...required, crlFile: authority.revoke(lost) })
    const client = dial(port, lost, only)
    expect((await refusal).why).toBe("the client's certificate is revoked")
    client.destroy()
  })

  test("without a client certificate, where none is required, tells nothing", async () => {
    for (const tls of [server, { ...server, caFile: authority.caFile }]) {
      const { port, met } = await door(tls)
      const client = dial(port, undefined, only)
      expect((await met).peerCertificate).toBeUndefined()
      client.destroy()
    }
  })

  test("with a certificate that nobody asked for tells nothing", async () => {
    const { port, met } = await door(server)
    const client = dial(port, stranger.client("admin"), only)
    expect((await met).peerCertificate).toBeUndefined()
    client.destroy()
  })
})

describe("The settings of TLS", () => {
  test("1.2 is refused where 1.3 is the oldest", async () => {
    const { port, refusal } = await door({ ...server, minimumVersion: "1.3" })
    const client = dial(port, undefined, { maxVersion: "TLSv1.2" })
    expect((await refusal).why).toBe("the client speaks no version of TLS that is allowed")
    client.destroy()
  })

  test("1.3 is spoken where it is the oldest", async () => {
    const { port, met } = await door({ ...server, minimumVersion: "1.3" })
    const client = dial(port, undefined)
    await met
    expect(client.getProtocol()).toBe("TLSv1.3")
    client.destroy()
  })

  test("of TLS 1.2 only the ciphers that were named are offered", async () => {
    const { port, met } = await door({ ...server, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" })
    const client = dial(port, undefined, { maxVersion: "TLSv1.2" })
    await met
    expect(client.getCipher().name).toBe("ECDHE-ECDSA-AES256-GCM-SHA384")
    client.destroy()
    const other = await door({ ...server, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" })
    const wrong = dial(other.port, undefined, {
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256",
    })
    expect((await other.refusal).why).toBe("the client knows no cipher that is allowed")
    wrong.destroy()
  })

  test.each(["tls", "wss"] as const)(
    "ciphers that there are not keep a %s listener from opening",
    async (scheme) => {
      const address = { scheme, host: "127.0.0.1", port: 0 } as const
      const opening = listen(address, { ...server, ciphers: "rot13" }, () => new Recorder(), {
        onBug: () => {},
      })
      await expect(opening).rejects.toThrow(
        "its list of ciphers names none that there is; write names of TLS 1.2",
      )
    },
  )

  test("a client that names application protocols must name one of ours", async () => {
    const alpn = { ...server, alpn: ["x-other", "mqtt"] }
    const { port, met } = await door(alpn)
    const client = dial(port, undefined, { ALPNProtocols: ["mqtt"] })
    await met
    expect(client.alpnProtocol).toBe("mqtt")
    client.destroy()
    const other = await door(alpn)
    const wrong = dial(other.port, undefined, { ALPNProtocols: ["http/1.1"] })
    expect((await other.refusal).why).toContain("no application protocol (ALPN)")
    wrong.destroy()
    const third = await door(alpn)
    const silent = dial(third.port, undefined)
    await third.met
    silent.destroy()
  })
})

describe("What is no handshake", () => {
  test("is told as what it is", async () => {
    for (const [bytes, why] of [
      ["hello, is this a TLS server?", "what came is not TLS"],
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "what came is HTTP, not TLS"],
    ] as const) {
      const { port, refusal } = await door(server)
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
      socket.write(bytes)
      expect(await refusal).toEqual({ address: "127.0.0.1", at: "TLS handshake", why })
      socket.terminate()
    }
  })

  test("is told of when the client does not trust the server, in the one way of each version", async () => {
    for (const [version, why] of [
      ["TLSv1.2", "the client does not trust the server's certificate"],
      ["TLSv1.3", "it broke off, as a client of TLS 1.3 does that does not trust"],
    ] as const) {
      const { port, refusal } = await door(server)
      const words = ["-connect", `127.0.0.1:${port}`, "-CAfile", stranger.caFile, "-verify_return_error"]
      const only = version === "TLSv1.2" ? "-tls1_2" : "-tls1_3"
      const client = Bun.spawn(["openssl", "s_client", ...words, only], {
        stdout: "ignore",
        stderr: "ignore",
      })
      expect((await refusal).why).toStartWith(why)
      await client.exited
    }
  })

  test("is not told of when somebody only looked whether the port is open", async () => {
    const { port, refusal } = await door(server)
    const closed = Promise.withResolvers<void>()
    const socket = { data() {}, close: () => closed.resolve() }
    const first = await Bun.connect({ hostname: "127.0.0.1", port, socket })
    first.end()
    await closed.promise
    const second = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    second.write("what is told of")
    expect((await refusal).why).toBe("what came is not TLS")
    second.terminate()
  })

  test("is cut off after its time", async () => {
    const { port, refusal } = await door(server, 20)
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    expect((await refusal).why).toBe("it did not come to an end in time")
    socket.terminate()
  })
})

describe("Before the handshake", () => {
  test("one address has no more connections than it may, and who goes leaves his place", async () => {
    const refused: string[] = []
    const met = Promise.withResolvers<void>()
    const accept = (socket: Socket) => {
      met.resolve()
      return new Recorder().owns(socket)
    }
    const listener = await listen({ scheme: "tls", host: "127.0.0.1", port: 0 }, server, accept, {
      onBug: (bug) => met.reject(bug),
      onRefused: (_, at, why) => void refused.push(`${at}: ${why}`),
      greetings: { most: 100, mostOfSource: 2, sourceOf: (address) => address },
    })
    listeners.push(listener)
    const port = Number(new URL(listener.url).port)
    const silent = async () => {
      const closed = Promise.withResolvers<void>()
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: { data() {}, error() {}, close: () => closed.resolve() },
      })
      return { socket, closed: closed.promise }
    }
    const first = await silent()
    const second = await silent()
    await (
      await silent()
    ).closed
    expect(refused).toEqual(["TLS handshake: too many from its address have not come to an end"])
    first.socket.terminate()
    await first.closed
    // It is noticed a turn later that somebody has gone.
    let client = dial(port, undefined)
    for (let goes = false; !goes;) {
      goes = await Promise.race([
        met.promise.then(() => true),
        new Promise<boolean>((resolve) => client.once("close", () => resolve(false))),
      ])
      if (!goes) client = dial(port, undefined)
    }
    client.destroy()
    second.socket.terminate()
  })
})
