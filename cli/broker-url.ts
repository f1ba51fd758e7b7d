import { InvalidArgumentError } from "commander"
import { parseListenUrl } from "../src/config/listen-url.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"

/** What follows "it" where a text is no address of a broker. */
export const brokerUrlForm = "must be mqtt://, mqtts://, ws:// or wss://HOST:PORT, or unix:///PATH"

/** Reads an option or argument that says where a broker is. */
export function brokerUrl(text: string): ConnectTarget {
  const target = parseBrokerUrl(text)
  if (target === undefined) throw new InvalidArgumentError(`It ${brokerUrlForm}.`)
  return target
}

/** An address as it is listened at, and a path for WebSocket. */
export function parseBrokerUrl(text: string): ConnectTarget | undefined {
  const [, address = text, path] = /^(wss?:\/\/[^/]+)(\/.+)$/.exec(text) ?? []
  const target = parseListenUrl(address)
  if ("problem" in target || (target.scheme !== "unix" && target.port === 0)) return undefined
  return path === undefined ? target : { ...target, path }
}
