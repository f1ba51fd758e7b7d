import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { listen } from "../../src/transport/listen.ts"
import type { ListenAddress, Listener, Socket } from "../../src/transport/socket.ts"
import { ProxyHeader } from "../../src/transport/proxy-header.ts"
import { Recorder } from "./recorder.ts"

const signature = "0d0a0d0a000d0a515549540a"
const line = (text: string) => Buffer.from(`${text}\r\n`)
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex")

/** A version 2 header; its length is that of the body unless told. */
function version2(command: string, family: string, body: string, length?: number): Buffer {
  const bytes = hex(body)
  const size = Buffer.alloc(2)
  size.writeUInt16BE(length ?? bytes.length)
  return Buffer.concat([hex(signature + command + family), size, bytes])
}

const ports = "dc04 075b"
const ipv4 = `c0000207 c6336401 ${ports}`
const ipv6 = `20010db8000000000000000000000007 20010db8000000000000000000000001 ${ports}`
const crc = "03 0004 01020304"

const good: readonly [string, Buffer, string | undefined][] = [
  ["1 for IPv4", line("PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883"), "192.0.2.7"],
  ["1 for IPv6", line("PROXY TCP6 2001:DB8:0::7 2001:db8::1 56324 1883"), "2001:db8::7"],
  ["1 for mapped IPv4", line("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2"), "192.0.2.7"],
  ["1 for nobody known", line("PROXY UNKNOWN"), undefined],
  ["1 for nobody known, with more", line("PROXY UNKNOWN ffff::1 ffff::2 1 65535"), undefined],
  ["2 for IPv4", version2("21", "11", ipv4), "192.0.2.7"],
  ["2 for IPv4 with more behind", version2("21", "11", ipv4 + crc), "192.0.2.7"],
  ["2 for IPv6", version2("21", "21", ipv6), "2001:db8::7"],
  [
    "2 for mapped IPv4",
    version2("21", "21", `00000000000000000000ffffc0000207 00000000000000000000ffffc6336401 ${ports}`),
    "192.0.2.7",
  ],
  ["2 for itself", version2("20", "00", ""), undefined],
  ["2 for itself, with addresses to pass over", version2("20", "11", ipv4), undefined],
  ["2 for nobody known", version2("21", "00", crc), undefined],
  ["2 for a unix socket", version2("21", "31", "00".repeat(216)), undefined],
]

const bad: readonly [string, Buffer, string][] = [
  ["none", hex("100c00044d5154540402003c0000"), "there is none"],
  ["another word", Buffer.from("PROXX TCP4"), "there is none"],
  ["a line without end", Buffer.from(`PROXY TCP4 ${"1".repeat(100)}`), "its line has no end"],
  ["a line of 108 bytes", line(`PROXY UNKNOWN ${"x".repeat(92)}`), "its line has no end"],
  [
    "a line that ends early",
    Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"),
    "without a carriage return",
  ],
  ["a line of UDP", line("PROXY UDP4 192.0.2.7 198.51.100.1 1 2"), "not as version 1 has it"],
  ["an address that is none", line("PROXY TCP4 192.0.2.256 198.51.100.1 1 2"), "not as version 1 has it"],
  ["an address with a leading zero", line("PROXY TCP4 192.0.2.07 198.51.100.1 1 2"), "not as version 1"],
  ["an IPv6 address for IPv4", line("PROXY TCP4 2001:db8::1 198.51.100.1 1 2"), "not as version 1 has it"],
  ["an IPv6 address with a zone", line("PROXY TCP6 fe80::1%lo 2001:db8::1 1 2"), "not as version 1 has it"],
  ["a port that is none", line("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536"), "not as version 1 has it"],
  ["too few words", line("PROXY TCP4 192.0.2.7"), "not as version 1 has it"],
  ["two spaces", line("PROXY TCP4  192.0.2.7 198.51.100.1 1 2"), "not as version 1 has it"],
  ["version 3", version2("31", "11", ipv4), "of an unknown version"],
  ["an unknown command", version2("22", "11", ipv4), "its command is unknown"],
  ["UDP", version2("21", "12", ipv4), "no TCP connection"],
  ["no addresses", version2("21", "11", ""), "too short for its addresses"],
  ["half an address", version2("21", "21", ipv4), "too short for its addresses"],
  ["a length beyond the bound", version2("21", "11", "", 2_049), "it claims 2049 bytes"],
]

describe("A PROXY header", () => {
  const behind = hex("10 00 ff")

  test.each(good)("of version %s is read, however its bytes are cut", (_, header, source) => {
    const all = Buffer.concat([header, behind])
    for (let cut = 1; cut < all.length; cut++) {
      const reader = new ProxyHeader()
      const first = reader.read(all.subarray(0, cut))
      const isShort = cut < header.length
      expect(first.state).toBe(isShort ? "unfinished" : "finished")
      const reading = isShort ? reader.read(all.subarray(cut)) : first
      const rest = isShort ? behind : all.subarray(header.length, cut)
      expect(reading).toEqual({ state: "finished", source, rest })
    }
  })

  test.each(good)("of version %s is read byte by byte", (_, header, source) => {
    const reader = new ProxyHeader()
    const readings = [...header].map((byte) => reader.read(Uint8Array.of(byte)))
    expect(readings.slice(0, -1).every(({ state }) => state === "unfinished")).toBe(true)
    expect(readings.at(-1)).toMatchObject({ state: "finished", source })
  })

  test.each(bad)("that is %s is refused, in one piece or byte by byte", (_, header, why) => {
    expect(new ProxyHeader().read(header)).toEqual({ state: "refused", why: expect.stringContaining(why) })
    const reader = new ProxyHeader()
    const states = [...header].map((byte) => reader.read(Uint8Array.of(byte)).state)
    expect(states).toContain("refused")
    expect(states).not.toContain("finished")
  })
})

describe.each(["tcp", "unix"] as const)("A %s listener behind a proxy", (scheme) => {
  const folder = mkdtempSync(join(tmpdir(), "bantam-proxy-"))
  const listeners: Listener[] = []
  let paths = 0
  afterAll(() => {
    for (const listener of listeners) listener.stop()
    rmSync(folder, { recursive: true })
  })

  async function behindProxy(handshakeTimeoutMs = 10_000) {
    const address: ListenAddress =
      scheme === "unix"
        ? { scheme, path: join(folder, `${paths++}.sock`) }
        : { scheme, host: "127.0.0.1", port: 0 }
    const owner = new Recorder()
    const refusal = Promise.withResolvers<string>()
    const accept = (socket: Socket) => owner.owns(socket)
    const listener = await listen(address, undefined, accept, {
      onBug: refusal.reject,
      onRefused: (from, at, why) => refusal.resolve(`${from} ${at}: ${why}`),
      handshakeTimeoutMs,
      proxyProtocol: true,
    })
    listeners.push(listener)
    const closed = Promise.withResolvers<void>()
    const socket = { data() {}, close: () => closed.resolve() }
    const proxy =
      address.scheme === "unix"
        ? await Bun.connect({ unix: address.path, socket })
        : await Bun.connect({ hostname: "127.0.0.1", port: Number(new URL(listener.url).port), socket })
    return { owner, proxy, refusal: refusal.promise, closed: closed.promise }
  }
  const own = scheme === "unix" ? "unix" : "127.0.0.1"

  test("meets whom the proxy speaks for, and gets what came behind the header", async () => {
    const { owner, proxy } = await behindProxy()
    proxy.write(Buffer.concat([line("PROXY TCP4 192.0.2.7 198.51.100.1 1 2"), Buffer.from("hello")]))
    await owner.has(5)
    expect(owner.socket?.remoteAddress).toBe("192.0.2.7")
    proxy.write(" again")
    await owner.has(11)
    proxy.terminate()
    await owner.closing
  })

  test("meets the proxy itself when it speaks for itself", async () => {
    const { owner, proxy } = await behindProxy()
    proxy.write(version2("20", "00", ""))
    await owner.meeting
    expect(owner.socket?.remoteAddress).toBe(own)
    proxy.terminate()
  })

  test("closes what does not begin with a header, and says so", async () => {
    const { owner, proxy, refusal, closed } = await behindProxy()
    proxy.write(hex("100c00044d5154540402003c0000"))
    expect(await refusal).toStartWith(`${own} PROXY header: there is none`)
    await closed
    expect(owner.socket).toBeUndefined()
  })

  test("closes who does not finish the header in time", async () => {
    const { owner, proxy, refusal, closed } = await behindProxy(20)
    proxy.write("PROXY ")
    expect(await refusal).toBe(`${own} PROXY header: it did not come to an end in time`)
    await closed
    expect(owner.socket).toBeUndefined()
  })
})
