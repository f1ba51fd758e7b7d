import { describe, expect, test } from "bun:test"
import { isLoopback, listenUrl, parseListenUrl, reachedAt } from "../../src/config/listen-url.ts"

describe("Addresses to listen on", () => {
  test.each([
    ["tcp://127.0.0.1:1883", { scheme: "tcp", host: "127.0.0.1", port: 1883 }],
    ["tcp://localhost:0", { scheme: "tcp", host: "localhost", port: 0 }],
    ["mqtt://example.org", { scheme: "tcp", host: "example.org", port: 1883 }],
    ["mqtts://example.org/", { scheme: "tls", host: "example.org", port: 8883 }],
    ["tls://[::1]:8884", { scheme: "tls", host: "::1", port: 8884 }],
    ["ws://0.0.0.0:80", { scheme: "ws", host: "0.0.0.0", port: 80 }],
    ["wss://[::]", { scheme: "wss", host: "::", port: 8084 }],
    ["unix:/run/bantam/mqtt.sock", { scheme: "unix", path: "/run/bantam/mqtt.sock" }],
    ["unix:///run/bantam/mqtt.sock", { scheme: "unix", path: "/run/bantam/mqtt.sock" }],
  ] as const)("%s is understood", (text, address) => {
    expect(parseListenUrl(text)).toEqual(address)
  })

  test.each([
    ["127.0.0.1:1883", "must begin with tcp://, tls://, ws://, wss:// or unix://"],
    ["http://127.0.0.1:80", "must begin with tcp://, tls://, ws://, wss:// or unix://"],
    ["constructor://a:1", "must begin with tcp://, tls://, ws://, wss:// or unix://"],
    ["tcp://:1883", "names no host; write tcp://0.0.0.0:PORT for every interface"],
    ["tcp://*:1883", "names no host; write tcp://0.0.0.0:PORT for every interface"],
    ["tcp://127.0.0.1:65536", "has a port that cannot be; choose 0 to 65535, 0 takes a free one"],
    ["tcp://127.0.0.1:1883x", "has a port that cannot be; choose 0 to 65535, 0 takes a free one"],
    ["tcp://127.0.0.1:", "has a port that cannot be; choose 0 to 65535, 0 takes a free one"],
    ["tcp://::1:1883", "has a host that cannot be; write tcp://HOST:PORT, IPv6 in brackets"],
    ["tcp://[::1:1883", "has a host that cannot be; write tcp://HOST:PORT, IPv6 in brackets"],
    ["tcp://[10.0.0.1]:1883", "has a host that cannot be; write tcp://HOST:PORT, IPv6 in brackets"],
    ["tcp://a b:1883", "has a host that cannot be; write tcp://HOST:PORT, IPv6 in brackets"],
    ["ws://127.0.0.1:80/mqtt", "must end after the port; request paths belong in websocket.paths"],
    ["unix://mqtt.sock", "must name an absolute path, such as unix:///run/bantam/mqtt.sock"],
    [`unix:///${"a".repeat(107)}`, "has a path of more than 107 bytes, the most a unix socket takes"],
  ])("%s is refused", (text, problem) => {
    expect(parseListenUrl(text)).toEqual({ problem })
  })

  test.each(["tcp://127.0.0.1:1883", "tls://[fe80::1]:8883", "unix:///run/mqtt.sock"])(
    "%s is written as it was read",
    (text) => {
      const address = parseListenUrl(text)
      expect("problem" in address ? address.problem : listenUrl(address)).toBe(text)
    },
  )

  test.each([
    ["tcp://127.0.0.1:1883", "mqtt://127.0.0.1:1883", "127.0.0.1", 1883],
    ["tls://[::1]:8883", "mqtts://[::1]:8883", "::1", 8883],
    ["ws://127.0.0.1:80", "ws://127.0.0.1:80", "127.0.0.1", 80],
    ["wss://localhost:443", "wss://localhost:443", "localhost", 443],
    ["wss://0.0.0.0:8084", "wss://127.0.0.1:8084", "127.0.0.1", 8084],
    ["tcp://[::]:1883", "mqtt://[::1]:1883", "::1", 1883],
    ["tcp://[0::0]:1883", "mqtt://[::1]:1883", "::1", 1883],
    ["unix:///run/a,b.sock", "unix:///run/a,b.sock", "/run/a,b.sock", 0],
  ] as const)("what listens at %s is reached at %s", (text, url, host, port) => {
    const address = parseListenUrl(text)
    expect("problem" in address ? address.problem : reachedAt(address)).toEqual({ url, host, port })
  })

  test.each([
    ["tcp://127.0.0.1:1", true],
    ["tcp://127.1.2.3:1", true],
    ["tcp://localhost:1", true],
    ["tcp://[::1]:1", true],
    ["unix:///run/mqtt.sock", true],
    ["tcp://0.0.0.0:1", false],
    ["tcp://[::]:1", false],
    ["tcp://127.0.0.1.example.org:1", false],
    ["tcp://10.0.0.1:1", false],
  ])("%s stays on this machine: %p", (text, stays) => {
    const address = parseListenUrl(text)
    expect("problem" in address ? address.problem : isLoopback(address)).toBe(stays)
  })
})
