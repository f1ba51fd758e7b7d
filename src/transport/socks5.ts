import { isIPv4, isIPv6 } from "node:net"

/** A SOCKS5 proxy, and who we are to it [RFC 1928, RFC 1929]. */
export interface SocksProxy {
  readonly host: string
  readonly port: number
  /** With a password or without; absent: the proxy asks nobody. At most 255 bytes each. */
  readonly username?: string
  readonly password?: string
}

const version = 5
const noLogin = 0
const byPassword = 2

/** What a proxy says when it does not connect us [RFC 1928: 6]. */
const replies: Readonly<Record<number, string>> = {
  1: "the proxy failed",
  2: "the proxy does not allow it",
  3: "the proxy finds no way to the network",
  4: "the proxy finds no way to the host",
  5: "nobody listens there, the proxy says",
  6: "it took the proxy too long",
  7: "the proxy does not connect anybody",
  8: "the proxy does not know such addresses",
}

/**
 * The client's half of the talk with a SOCKS5 proxy, up to where the bytes are the server's own. The proxy looks the
 * name up.
 */
export class SocksGreeting {
  readonly #proxy: SocksProxy
  readonly #host: string
  readonly #port: number
  #received = new Uint8Array(0)
  #awaits: "method" | "login" | "reply" = "method"

  constructor(proxy: SocksProxy, host: string, port: number) {
    this.#proxy = proxy
    this.#host = host
    this.#port = port
  }

  /** What to say first. */
  get hello(): Uint8Array {
    return this.#proxy.username === undefined
      ? Uint8Array.of(version, 1, noLogin)
      : Uint8Array.of(version, 2, noLogin, byPassword)
  }

  /**
   * @returns what to say next, or that we are through; undefined until more has come
   * @throws Error when the proxy refuses or talks nonsense
   */
  take(chunk: Uint8Array): Uint8Array | "through" | undefined {
    this.#received = Buffer.concat([this.#received, chunk])
    switch (this.#awaits) {
      case "method":
        return this.#method()
      case "login":
        return this.#login()
      case "reply":
        return this.#reply()
    }
  }

  #method(): Uint8Array | undefined {
    const bytes = this.#next(2)
    if (bytes === undefined) return undefined
    const [spoken, method] = bytes
    if (spoken !== version) throw new Error("the proxy does not speak SOCKS5")
    if (method === noLogin) return this.#request()
    const { username, password = "" } = this.#proxy
    if (method !== byPassword || username === undefined) throw new Error("the proxy wants a login")
    this.#awaits = "login"
    return Buffer.concat([Buffer.of(1), counted(username), counted(password)])
  }

  #login(): Uint8Array | undefined {
    const bytes = this.#next(2)
    if (bytes === undefined) return undefined
    if (bytes[1] !== 0) throw new Error("the proxy does not take the user name and password")
    return this.#request()
  }

  #request(): Uint8Array {
    this.#awaits = "reply"
    const port = Buffer.alloc(2)
    port.writeUInt16BE(this.#port)
    return Buffer.concat([Buffer.of(version, 1, 0), addressBytes(this.#host), port])
  }

  #reply(): "through" | undefined {
    const [spoken, code = 1, , kind, first = 0] = this.#received
    if (this.#received.length < 5) return undefined
    if (spoken !== version) throw new Error("the proxy does not speak SOCKS5")
    if (code !== 0) throw new Error(replies[code] ?? `the proxy says ${code}`)
    const addressLength = kind === 1 ? 4 : kind === 4 ? 16 : 1 + first
    if (this.#next(4 + addressLength + 2) === undefined) return undefined
    if (this.#received.length > 0) throw new Error("the server speaks before it is spoken to")
    return "through"
  }

  #next(length: number): Uint8Array | undefined {
    if (this.#received.length < length) return undefined
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.slice(length)
    return bytes
  }
}

function addressBytes(host: string): Uint8Array {
  if (isIPv4(host)) return Buffer.of(1, ...host.split(".").map(Number))
  if (!isIPv6(host)) return Buffer.concat([Buffer.of(3), counted(host)])
  const groups = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::")
  const [head = [], tail = []] = groups.map((part) => part.split(":").filter((group) => group !== ""))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0")
  const bytes = [...head, ...zeros, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
  return Buffer.of(4, ...bytes)
}

function counted(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  if (bytes.length > 255) throw new Error("a proxy takes names of 255 bytes at most")
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}
