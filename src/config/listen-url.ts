import { isIPv6 } from "node:net"
import type { ListenAddress } from "../transport/socket.ts"

/** MQTT's own names for the schemes are taken too, as many clients write them. */
const schemes = {
  tcp: "tcp",
  mqtt: "tcp",
  tls: "tls",
  mqtts: "tls",
  ssl: "tls",
  ws: "ws",
  wss: "wss",
} as const satisfies Record<string, Exclude<ListenAddress["scheme"], "unix">>

/** The first two are registered for MQTT; the others are customary. */
const defaultPorts = { tcp: 1883, tls: 8883, ws: 8083, wss: 8084 } as const

/** Where to listen, or the end of the sentence "it …" that says what is wrong. */
export function parseListenUrl(text: string): ListenAddress | { readonly problem: string } {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? []
  if (scheme === "unix") return parseUnixPath(rest)
  if (text.startsWith("unix:/")) return parseUnixPath(text.slice("unix:".length))
  if (!isScheme(scheme)) return { problem: "must begin with tcp://, tls://, ws://, wss:// or unix://" }
  const [, host, portText, path] = /^(\[[^\]]*\]|[^:/[\]]*)(?::([^:/]*))?(\/.*)?$/.exec(rest) ?? []
  if (host === "" || host === "*") {
    return { problem: `names no host; write ${scheme}://0.0.0.0:PORT for every interface` }
  }
  if (host === undefined || !isHost(host)) {
    return { problem: `has a host that cannot be; write ${scheme}://HOST:PORT, IPv6 in brackets` }
  }
  if (path !== undefined && path !== "/") {
    return { problem: "must end after the port; request paths belong in websocket.paths" }
  }
  const known = schemes[scheme]
  const port = portText === undefined ? defaultPorts[known] : Number(portText)
  if (portText === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    return { problem: "has a port that cannot be; choose 0 to 65535, 0 takes a free one" }
  }
  return { scheme: known, host: host.replace(/^\[|\]$/g, ""), port }
}

/** The one way to write an address: no default port left out, IPv6 in brackets. */
export function listenUrl(address: ListenAddress): string {
  if (address.scheme === "unix") return `unix://${address.path}`
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host
  return `${address.scheme}://${host}:${address.port}`
}

/**
 * Where clients on this machine reach what listens at an address, in the scheme that they write. Host and port of a unix
 * socket are none of a network: its path, and 0.
 */
export function reachedAt(address: ListenAddress): { url: string; host: string; port: number } {
  if (address.scheme === "unix") return { url: listenUrl(address), host: address.path, port: 0 }
  const { scheme, port } = address
  const host = reachedHost(address.host)
  const spoken = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" }[scheme]
  return { url: `${spoken}://${isIPv6(host) ? `[${host}]` : host}:${port}`, host, port }
}

/** Whether only programs on this machine can reach the address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.scheme === "unix") return true
  return /^(localhost|::1|127\.\d+\.\d+\.\d+)$/.test(address.host)
}

function parseUnixPath(path: string): ListenAddress | { readonly problem: string } {
  if (!path.startsWith("/"))
    return { problem: "must name an absolute path, such as unix:///run/bantam/mqtt.sock" }
  // The kernel's bound; a longer path would be cut to another one.
  if (Buffer.byteLength(path) > 107)
    return { problem: "has a path of more than 107 bytes, the most a unix socket takes" }
  return { scheme: "unix", path }
}

/** What is listened at on every interface is reached on this machine. */
function reachedHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1"
  // [::] and [0::0] are the same.
  return isIPv6(host) && /^[0:]+$/.test(host) ? "::1" : host
}

function isScheme(scheme: string): scheme is keyof typeof schemes {
  return Object.hasOwn(schemes, scheme)
}

function isHost(host: string): boolean {
  return host.startsWith("[") ? isIPv6(host.slice(1, -1)) : /^[\w.-]+$/.test(host)
}
