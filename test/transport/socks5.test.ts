import { afterAll, describe, expect, test } from "bun:test"
import { connect, type ConnectTarget } from "../../src/transport/connect.ts"
import { listen } from "../../src/transport/listen.ts"
import type { Listener, Socket } from "../../src/transport/socket.ts"
import { SocksGreeting } from "../../src/transport/socks5.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import { socksProxy, type TestProxy } from "../support/socks-proxy.ts"
import { Recorder } from "./recorder.ts"

const authority = new CertificateAuthority()
const tls = authority.server()
const listeners: Listener[] = []
const proxies: TestProxy[] = []
afterAll(() => {
  for (const listener of listeners) listener.stop()
  for (const proxy of proxies) proxy.close()
  authority[Symbol.dispose]()
})

/** @returns the port of a listener that says one byte to each who comes, and says back what it hears */
async function greeter(scheme: "tcp" | "tls"): Promise<number> {
  const accept = (socket: Socket) => {
    socket.output.append(Uint8Array.of(1))
    return { received: (chunk: Uint8Array) => socket.output.append(chunk), writable() {}, closed() {} }
  }
  const address = { scheme, host: "127.0.0.1", port: 0 } as const
  const options = { onBug: (bug: unknown) => expect(bug).toBeUndefined() }
  const listener =
    address.scheme === "tls"
      ? await listen({ ...address, scheme: "tls" }, tls, accept, options)
      : await listen({ ...address, scheme: "tcp" }, undefined, accept, options)
  listeners.push(listener)
  return Number(new URL(listener.url).port)
}

async function proxied(settings: Parameters<typeof socksProxy>[0] = {}): Promise<TestProxy> {
  const proxy = await socksProxy(settings)
  proxies.push(proxy)
  return proxy
}

describe("A connection through a SOCKS5 proxy", () => {
  test.each(["tcp", "tls"] as const)(
    "%s: the proxy is told the name, and carries the bytes",
    async (scheme) => {
      const [port, proxy] = [await greeter(scheme), await proxied()]
      const client = new Recorder()
      const route = { host: "localhost", port, proxy: { host: "127.0.0.1", port: proxy.port } }
      const target: ConnectTarget =
        scheme === "tcp" ? { scheme, ...route } : { scheme, ...route, tls: { caFile: authority.caFile } }
      const socket = await connect(target, client)
      client.owns(socket)
      await client.has(1)
      expect(proxy.asked).toEqual([`localhost:${port}`])
      socket.terminate()
    },
  )

  test("a proxy that asks for it gets user name and password", async () => {
    const [port, proxy] = [await greeter("tcp"), await proxied({ wantsLogin: true })]
    const login = { host: "127.0.0.1", port: proxy.port, username: "ada", password: "s:p@ce" }
    const client = new Recorder()
    const socket = await connect({ scheme: "tcp", host: "127.0.0.1", port, proxy: login }, client)
    expect(proxy.logins).toEqual(["ada:s:p@ce"])
    expect(proxy.asked).toEqual([`127.0.0.1:${port}`])
    socket.terminate()
  })

  test.each([
    [{ wantsLogin: true }, "the proxy wants a login"],
    [{ reply: 5 }, "nobody listens there, the proxy says"],
    [{ reply: 2 }, "the proxy does not allow it"],
  ])("%j: says why not", async (settings, why) => {
    const proxy = await proxied(settings)
    const target = {
      scheme: "tcp",
      host: "localhost",
      port: 1883,
      proxy: { host: "127.0.0.1", port: proxy.port },
    } as const
    await expect(connect(target, new Recorder())).rejects.toThrow(why)
  })
})

describe("The talk with the proxy", () => {
  const request = (host: string) =>
    new SocksGreeting({ host: "p", port: 1 }, host, 1883).take(Uint8Array.of(5, 0))

  test.each([
    ["10.0.0.7", "05 01 00 01 0a00 0007 075b"],
    ["::1", "05 01 00 04 00000000 00000000 00000000 00000001 075b"],
    ["fe80::1:2", "05 01 00 04 fe800000 00000000 00000000 00010002 075b"],
    ["ab", "05 01 00 03 02 6162 075b"],
  ])("%s is asked for as the kind of address it is [RFC 1928: 4]", (host, bytes) => {
    expect(Buffer.from(request(host) as Uint8Array).toString("hex")).toBe(bytes.replaceAll(" ", ""))
  })

  test("bytes may come one by one", () => {
    const greeting = new SocksGreeting({ host: "p", port: 1 }, "h", 1)
    const said = [5, 0, 5, 0, 0, 3, 2, 97, 98, 0, 1].map((byte) => greeting.take(Uint8Array.of(byte)))
    expect(said.filter((each) => each !== undefined)).toHaveLength(2)
    expect(said.at(-1)).toBe("through")
  })

  test("what is not SOCKS5 is refused", () => {
    expect(() => new SocksGreeting({ host: "p", port: 1 }, "h", 1).take(Buffer.from("HTTP/1.1"))).toThrow(
      "does not speak SOCKS5",
    )
  })
})
