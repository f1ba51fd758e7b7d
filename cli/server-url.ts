/** A server and a topic in one word, as Mosquitto's -L has it. */
export interface ServerUrl {
  readonly tls: boolean
  readonly webSocket: boolean
  readonly host: string
  readonly port: number | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly topic: string
}

/**
 * Nothing is percent-decoded. The user ends at the first `@`, the password begins behind the first `:`, and whatever
 * follows the first `/` is the topic.
 *
 * @returns the end of a sentence that begins with "it" when the text is no such URL
 */
export function parseServerUrl(text: string): ServerUrl | string {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/is.exec(text) ?? []
  const kind = kinds[scheme.toLowerCase()]
  if (kind === undefined) return "must begin with mqtt://, mqtts://, ws:// or wss://"
  const slash = rest.indexOf("/")
  if (slash < 0 || slash === rest.length - 1) return "must end with a slash and a topic"
  const authority = rest.slice(0, slash)
  const at = authority.indexOf("@")
  const parts = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(authority.slice(at + 1))
  const port = parts?.[2] === undefined ? undefined : Number(parts[2])
  if (parts === null || (port !== undefined && (port < 1 || port > 65_535))) {
    return "must name HOST or HOST:PORT, IPv6 in brackets"
  }
  const [username, ...password] = at < 0 ? [] : authority.slice(0, at).split(":")
  return {
    ...kind,
    host: parts[1] ?? "",
    port,
    username,
    password: password.length === 0 ? undefined : password.join(":"),
    topic: rest.slice(slash + 1),
  }
}

const kinds: Readonly<Record<string, { readonly tls: boolean; readonly webSocket: boolean }>> = {
  mqtt: { tls: false, webSocket: false },
  mqtts: { tls: true, webSocket: false },
  ws: { tls: false, webSocket: true },
  wss: { tls: true, webSocket: true },
}
