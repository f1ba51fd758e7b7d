import { describe, expect, test } from "bun:test"
import {
  refusalAnswer,
  upgradeAnswer,
  UpgradeReader,
  type UpgradeRead,
} from "../../src/transport/upgrade-request.ts"

const key = "dGhlIHNhbXBsZSBub25jZQ=="

function request({ line = "GET /mqtt HTTP/1.1", ...headers }: Record<string, string> = {}): string {
  const all = {
    Host: "broker.example",
    Connection: "keep-alive, Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": "mqttv3.1, mqtt",
    ...headers,
  }
  return [line, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n")
}

function readWhole(text: string): UpgradeRead {
  return new UpgradeReader().read(Buffer.from(text, "latin1"))
}

describe("A request to upgrade", () => {
  test("is read wherever it is cut, and what follows it is left", () => {
    const bytes = Buffer.from(`${request({ Origin: "https://page.example" })}MQTT`)
    for (let cut = 1; cut < bytes.length - 4; cut++) {
      const reader = new UpgradeReader()
      expect(reader.read(bytes.subarray(0, cut)).state).toBe("unfinished")
      const read = reader.read(bytes.subarray(cut))
      expect(read).toMatchObject({
        state: "read",
        request: { path: "/mqtt", key, origin: "https://page.example", subprotocols: ["mqttv3.1", "mqtt"] },
      })
      if (read.state === "read") expect(Buffer.from(read.rest).toString()).toBe("MQTT")
    }
  })

  test("is read byte by byte", () => {
    const reader = new UpgradeReader()
    const states = [...Buffer.from(request())].map((byte) => reader.read(new Uint8Array([byte])).state)
    expect(states.pop()).toBe("read")
    expect(new Set(states)).toEqual(new Set(["unfinished"]))
  })

  test.each([
    ["/mqtt?token=1", "/mqtt"],
    ["/a/../mqtt", "/a/../mqtt"],
    ["/%6dqtt", "/%6dqtt"],
    ["/mqtt#here?token=1", "/mqtt#here"],
    ["http://broker.example/mqtt", "/mqtt"],
    ["HTTPS://broker.example/a/../mqtt?token=1", "/a/../mqtt"],
    ["http://broker.example", "/"],
    ["http://broker.example?token=/1", "/"],
  ])("for %s is for %s", (target, path) => {
    expect(readWhole(request({ line: `GET ${target} HTTP/1.1` }))).toMatchObject({ request: { path } })
  })

  test.each([
    ["of an upgrade in a list", { Upgrade: "h2c, WebSocket" }],
    ["of a body of no bytes", { "Content-Length": "0" }],
    ["of tabs and bytes above ASCII in a value", { Cookie: "a\tb\u00fc" }],
  ])("is read in spite %s", (_, headers) => {
    expect(readWhole(request(headers))).toMatchObject({ state: "read", request: { path: "/mqtt" } })
  })

  test.each<[string, string, number]>([
    ["without a version", request({ line: "GET /mqtt" }), 400],
    ["of too many words", request({ line: "GET /mqtt HTTP/1.1 please" }), 400],
    ["for what is no path", request({ line: "GET mqtt HTTP/1.1" }), 400],
    ["with a line that is no header", request({ line: "GET /mqtt HTTP/1.1\r\nno header" }), 400],
    ["with a header that goes on in the next line", request({ Cookie: "a\r\n b" }), 400],
    ["with a name that is none", request({ "b ad": "1" }), 400],
    ["with a second host", request({ host: "other.example" }), 400],
    ["with NUL in a value", request({ Cookie: "a\0b" }), 400],
    ["with a bare CR in a value", request({ Cookie: "a\rb" }), 400],
    ["with a bare LF in a value", request({ Cookie: "a\nb" }), 400],
    ["with a control character at the end of a value", request({ Cookie: "a\u000b" }), 400],
    ["with DEL in a value", request({ Cookie: "a\u007fb" }), 400],
    ["with a control character in its path", request({ line: "GET /mqtt\t HTTP/1.1" }), 400],
    ["for a URL of another scheme", request({ line: "GET ftp://broker.example/mqtt HTTP/1.1" }), 400],
    ["for a URL without a host", request({ line: "GET http:///mqtt HTTP/1.1" }), 400],
    ["with a body", request({ "Content-Length": "5" }), 400],
    ["with a body of two lengths", request({ "Content-Length": "0, 5" }), 400],
    ["with a body in chunks", request({ "Transfer-Encoding": "chunked" }), 400],
    ["of an older HTTP", request({ line: "GET /mqtt HTTP/1.0" }), 505],
    ["by another method", request({ line: "POST /mqtt HTTP/1.1" }), 405],
    ["to something else", request({ Upgrade: "h2c" }), 426],
    ["to an older WebSocket", request({ "Sec-WebSocket-Version": "8" }), 426],
    ["that leaves Connection alone", request({ Connection: "keep-alive" }), 400],
    ["with a key that is none", request({ "Sec-WebSocket-Key": "short" }), 400],
    ["that begins with TLS", "\u0016\u0003\u0001\r\n\r\n", 400],
  ])("%s is refused", (_, text, status) => {
    expect(readWhole(text)).toMatchObject({ state: "refused", refusal: { status } })
  })

  test("that does not end is kept up to 16 KiB", () => {
    const reader = new UpgradeReader()
    const line = Buffer.from(`X-Padding: ${"a".repeat(1_000)}\r\n`)
    const states: string[] = []
    for (let count = 0; count < 17; count++) states.push(reader.read(line).state)
    expect(states.indexOf("refused")).toBe(16)
    expect(readWhole(`GET / HTTP/1.1\r\nX: ${"a".repeat(1_000_000)}`)).toMatchObject({
      refusal: { status: 431 },
    })
  })
})

test("The answer proves that the key was read [RFC 6455, section 1.3]", () => {
  const text = Buffer.from(upgradeAnswer(key, "mqtt")).toString()
  expect(text).toStartWith("HTTP/1.1 101 ")
  expect(text).toContain("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
  expect(text).toContain("\r\nSec-WebSocket-Protocol: mqtt\r\n")
  expect(text).toEndWith("\r\n\r\n")
})

test("A refusal says how long it is", () => {
  const [head = "", body = ""] = Buffer.from(refusalAnswer({ status: 404, why: "Nothing." }))
    .toString()
    .split("\r\n\r\n")
  expect(head).toContain(`Content-Length: ${body.length}`)
  expect(body).toBe("Nothing.\n")
})
