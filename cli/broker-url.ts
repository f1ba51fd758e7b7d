import { InvalidArgumentError } from "commander"
import { parseListenUrl } from "../src/config/listen-url.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"

/** Reads an option or argument that says where a broker is: an address as it is listened at, and a path for WebSocket. */
export function brokerUrl(text: string): ConnectTarget {
  const [, address = text, path] = /^(wss?:\/\/[^/]+)(\/.+)$/.exec(text) ?? []
  const target = parseListenUrl(address)
  if ("problem" in target || (target.scheme !== "unix" && target.port === 0)) {
    throw new InvalidArgumentError("It must be mqtt://, mqtts://, ws:// or wss://HOST:PORT, or unix:///PATH.")
  }
  return path === undefined ? target : { ...target, path }
}
