import { InvalidArgumentError } from "commander"
import type { ConnectTarget } from "../src/transport/connect.ts"

const defaultPorts = { mqtt: 1883, tcp: 1883, mqtts: 8883, tls: 8883, ws: 8083, wss: 8084 } as const

/** Reads an option or argument that says where a broker is. */
export function brokerUrl(text: string): ConnectTarget {
  const [, unixPath] = /^unix:\/\/(\/.+)$/.exec(text) ?? []
  if (unixPath !== undefined) return { scheme: "unix", path: unixPath }
  const [, scheme = "", host = "", port, path] =
    /^([a-z]+):\/\/(\[[^\]]+\]|[^:/@]+)(?::(\d{1,5}))?(\/.*)?$/.exec(text) ?? []
  if (!isKnown(scheme) || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))) {
    throw new InvalidArgumentError("It must be mqtt://, mqtts://, ws:// or wss://HOST:PORT, or unix:///PATH.")
  }
  const place = { host: host.replace(/^\[|\]$/g, ""), port: Number(port ?? defaultPorts[scheme]) }
  switch (scheme) {
    case "mqtt":
    case "tcp":
      return { scheme: "tcp", ...place }
    case "mqtts":
    case "tls":
      return { scheme: "tls", ...place }
    case "ws":
    case "wss":
      return { scheme, ...place, ...(path === undefined ? {} : { path }) }
  }
}

function isKnown(scheme: string): scheme is keyof typeof defaultPorts {
  return Object.hasOwn(defaultPorts, scheme)
}
