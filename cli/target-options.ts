import { type Command, InvalidArgumentError } from "commander"
import type { ClientTlsFiles, ConnectTarget, Route, SocksProxy } from "../src/transport/connect.ts"
import type { MannerName } from "./manner.ts"
import { wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { parseProxyUrl } from "./proxy-url.ts"

/** The options of Mosquitto's clients that say where the server is, how to get there, and who it must be. */
export interface TargetOptions {
  readonly host?: string
  readonly port?: number
  readonly unix?: string
  readonly ws?: true
  readonly wsPath?: string
  readonly bindAddress?: string
  readonly proxy?: SocksProxy
  readonly srv?: true
  readonly tls: boolean
  readonly cafile?: string
  readonly capath?: string
  readonly cert?: string
  readonly key?: string
  readonly ciphers?: string
  readonly insecure?: true
  readonly tlsAlpn?: string
  readonly tlsUseOsCerts?: true
  readonly tlsVersion?: "1.2" | "1.3"
}

export function withTargetOptions(command: Command): Command {
  return command
    .option("-h, --host <host>", "server (default: localhost)")
    .option(
      "-p, --port <port>",
      "its port (default: 1883; TLS 8883, WebSocket 8083 and 8084)",
      wholeNumber(1, 65_535),
    )
    .option("-L, --url <url>", "mqtt[s]://[user[:password]@]host[:port]/topic, or ws[s]://")
    .option("--unix <path>", "unix socket of the server")
    .option("--ws", "MQTT over WebSocket")
    .option("--ws-path <path>", "what to ask for there (default: /mqtt)")
    .option("-A, --bind-address <address>", "the address of this machine to connect from")
    .option("-S, --srv", "ask the DNS which host and port serve MQTT for this name")
    .option("--proxy <url>", "socks5h://[user[:password]@]host[:port]", proxyUrl)
    .option("--nodelay", "send at once, as we always do")
    .option("--cafile <file>", "who may have signed the server's certificate; turns TLS on")
    .option("--capath <directory>", "the same, a file each")
    .option("--cert <file>", "our certificate")
    .option("--key <file>", "its key")
    .option("--keyform <form>", "pem", onlyPem)
    .option("--ciphers <list>", "ciphers for TLS 1.2, as OpenSSL names them")
    .option("--insecure", "take any certificate")
    .option("--tls-alpn <protocol>", "the protocol to ask for in the handshake")
    .option("--tls-use-os-certs", "TLS with the certificates that the system trusts")
    .option("--tls-version <version>", "the oldest to take: tlsv1.2 or tlsv1.3", tlsVersion)
    .option("--no-tls", "no TLS on port 8883")
    .option("--psk <key>", "not possible here", impossible("a certificate"))
    .option("--psk-identity <name>", "not possible here", impossible("a certificate"))
    .option("--tls-engine <name>", "not possible here", impossible("--key FILE"))
    .option("--tls-engine-kpass-sha1 <hash>", "not possible here", impossible("--key FILE"))
    .option("--tls-keylog <file>", "not possible here", impossible("-d, which prints each packet"))
}

/** @throws CommandError */
export function targetOf(options: TargetOptions, manner: MannerName): ConnectTarget {
  const { unix } = options
  if (unix !== undefined) return { scheme: "unix", path: unix }
  const host = (options.host ?? "localhost").replace(/^\[(.*)\]$/, "$1")
  const isWebSocket = options.ws === true
  const route = routeOf(options)
  if (isWebSocket && Object.keys(route).length > 0) {
    throw new CommandError("--proxy and -A are for TCP and TLS: leave out --ws")
  }
  const isTls = wantsTls(options, manner)
  const port = options.port ?? defaultPort(isTls, isWebSocket, manner)
  const path = options.wsPath === undefined ? {} : { path: options.wsPath }
  if (!isTls) {
    return isWebSocket ? { scheme: "ws", host, port, ...path } : { scheme: "tcp", host, port, ...route }
  }
  const tls = tlsOf(options)
  return isWebSocket
    ? { scheme: "wss", host, port, tls, ...path }
    : { scheme: "tls", host, port, tls, ...route }
}

/** Mosquitto's --insecure, --cert and --key say how TLS is to be, and not that it is. */
function wantsTls(options: TargetOptions, manner: MannerName): boolean {
  const { cafile, capath, tlsUseOsCerts, cert, key, insecure, port, tls } = options
  const asked = manner === "mosquitto" ? [] : [cert, key, insecure]
  return [cafile, capath, tlsUseOsCerts, ...asked].some(Boolean) ? true : port === 8883 && tls
}

function defaultPort(isTls: boolean, isWebSocket: boolean, manner: MannerName): number {
  if (isWebSocket && manner === "bantam") return isTls ? 8084 : 8083
  return isTls ? 8883 : 1883
}

function routeOf({ bindAddress, proxy }: TargetOptions): Route {
  return {
    ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
    ...(proxy === undefined ? {} : { proxy }),
  }
}

function tlsOf(options: TargetOptions): ClientTlsFiles {
  const { cafile, capath, cert, key, ciphers, tlsAlpn, tlsVersion: minimumVersion } = options
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError("--cert and --key go together: name both files or neither")
  }
  return {
    ...(cafile === undefined ? {} : { caFile: cafile }),
    ...(capath === undefined ? {} : { caDirectory: capath }),
    ...(cert === undefined || key === undefined ? {} : { certFile: cert, keyFile: key }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(tlsAlpn === undefined ? {} : { alpn: tlsAlpn }),
    ...(minimumVersion === undefined ? {} : { minimumVersion }),
    insecure: options.insecure === true,
  }
}

function tlsVersion(text: string): "1.2" | "1.3" {
  if (text === "tlsv1.3") return "1.3"
  // Nobody should speak 1.1 any more: who asks for it gets what is better.
  if (text === "tlsv1.2" || text === "tlsv1.1") return "1.2"
  throw new InvalidArgumentError("It must be tlsv1.2 or tlsv1.3.")
}

function onlyPem(text: string): string {
  if (text === "pem") return text
  throw new InvalidArgumentError("It must be pem.")
}

function impossible(instead: string): (text: string) => never {
  return () => {
    throw new InvalidArgumentError(`It is not possible here; use ${instead}.`)
  }
}

function proxyUrl(text: string): SocksProxy {
  const proxy = parseProxyUrl(text)
  if (typeof proxy === "string") throw new InvalidArgumentError(`It ${proxy}.`)
  return proxy
}
