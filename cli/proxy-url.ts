import type { SocksProxy } from "../src/transport/connect.ts"

const defaultPort = 1080

/**
 * `socks5h://[user[:password]@]host[:port]`, IPv6 in brackets. In user and password `%25`, `%3A` and `%40` stand for
 * `%`, `:` and `@`.
 *
 * @returns the end of a sentence that begins with "it" when the text is no such URL
 */
export function parseProxyUrl(text: string): SocksProxy | string {
  const [, authority] = /^socks5h:\/\/(.*)$/s.exec(text) ?? []
  if (authority === undefined) return "must begin with socks5h://"
  const [, login, ipv6, name, digits] =
    /^(?:([^@]*)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(authority) ?? []
  const host = ipv6 ?? name
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host === undefined || port < 1 || port > 65_535) return "must name HOST or HOST:PORT, IPv6 in brackets"
  if (login === undefined) return { host, port }
  const [username = "", password, ...more] = login.split(":").map(unescaped)
  if (username === "" || more.length > 0) return "must name USER or USER:PASSWORD before the @"
  return { host, port, username, ...(password === undefined ? {} : { password }) }
}

function unescaped(text: string): string {
  return text.replace(/%(25|3A|40)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
