import { type Command, Option } from "commander"
import { parseListenUrl } from "../src/config/listen-url.ts"
import type { ClientOptions } from "../src/client/client-options.ts"
import type { ProtocolVersion } from "../src/protocol/packet.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { CommandError } from "./output.ts"
import { type TargetOptions, targetOf, withTargetOptions } from "./target-options.ts"

/** The options of commands that stay with one broker and look around there: shell and top. */
export interface BrokerOptions extends TargetOptions {
  readonly url?: string
  readonly username?: string
  readonly pw?: string
  readonly id?: string
  readonly protocolVersion?: "5" | "311" | "31"
}

/** Adds them. `-h` is the host, as in pub and sub; help is `--help`. */
export function withBrokerOptions(command: Command): Command {
  return withTargetOptions(command.helpOption("--help", "display help for command"))
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password")
    .option("-i, --id <id>", "client identifier (default: a random one)")
    .addOption(
      new Option(
        "-V, --protocol-version <version>",
        "5, 311 or 31 (default: 5, or 3.1.1 where 5 is not known)",
      ).choices(["5", "311", "31"]),
    )
}

/** Which broker, and as whom. */
export interface BrokerPlan {
  readonly target: ConnectTarget
  /** To be shown: no password in it. */
  readonly name: string
  /** To be tried in this order. */
  readonly versions: readonly ProtocolVersion[]
  readonly client: Omit<ClientOptions, "version">
  /** The DNS knows the target by the name of its host. */
  readonly isLookedUp: boolean
}

/**
 * @param address `mqtt[s]://`, `ws[s]://` or `unix://`, as an argument; what it names overrules the options
 * @param role a part of the client identifier, unless -i says another
 * @throws CommandError
 */
export function planBroker(address: string | undefined, given: BrokerOptions, role: string): BrokerPlan {
  const url = address ?? given.url
  const { path, ...named } = url === undefined ? {} : brokerAddress(url)
  const options: BrokerOptions = { ...given, ...named }
  const { username, pw, id, protocolVersion } = options
  const target = withPath(targetOf(options, "bantam"), path)
  return {
    target,
    name: nameOf(target),
    versions: protocolVersion === undefined ? [5, 4] : [versionNumbers[protocolVersion]],
    isLookedUp: options.srv === true,
    client: {
      // At most 23 characters, which every server takes [3.1.3.1].
      clientId: id ?? `bantam-${role}-${crypto.randomUUID().slice(0, 8)}`,
      username,
      password: pw === undefined ? undefined : Buffer.from(pw),
    },
  }
}

const versionNumbers = { "5": 5, "311": 4, "31": 3 } as const

type Address = Pick<BrokerOptions, "host" | "port" | "unix" | "ws" | "tlsUseOsCerts" | "username" | "pw"> & {
  readonly path?: string
}

/**
 * The address of a broker, `mqtt://` unless it says otherwise, with a login in it if one is wanted; what cannot stand
 * in a URL is percent-encoded.
 *
 * @throws CommandError
 */
export function brokerAddress(text: string): Address {
  const [, begin = "mqtt://", login, rest = text] = /^(\w+:\/\/)?(?:([^@/]*)@)?(.*)$/.exec(text) ?? []
  const [, authority = rest, path] = /^([^/]+)(\/.+)$/.exec(begin === "unix://" ? "" : rest) ?? []
  const found = parseListenUrl(`${begin}${authority}`)
  if ("problem" in found) {
    throw new CommandError(
      `${begin}${rest}: it must be mqtt://, mqtts://, ws:// or wss://HOST:PORT, or unix:///PATH`,
    )
  }
  if (found.scheme === "unix") return { unix: found.path }
  const { scheme, host, port } = found
  const isWebSocket = scheme === "ws" || scheme === "wss"
  if (path !== undefined && !isWebSocket) {
    throw new CommandError(`${begin}${rest}: a path is for ws:// and wss://; leave out ${path}`)
  }
  return {
    host,
    port,
    ...(isWebSocket ? { ws: true } : {}),
    ...(scheme === "tls" || scheme === "wss" ? { tlsUseOsCerts: true } : {}),
    ...(path === undefined ? {} : { path }),
    ...(login === undefined ? {} : loginOf(login)),
  }
}

function loginOf(login: string): Pick<BrokerOptions, "username" | "pw"> {
  const [username = "", ...password] = login.split(":").map(decoded)
  return { username, ...(password.length === 0 ? {} : { pw: password.join(":") }) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new CommandError("the login in the URL has a % that encodes nothing: write %25")
  }
}

function withPath(target: ConnectTarget, path: string | undefined): ConnectTarget {
  return path !== undefined && (target.scheme === "ws" || target.scheme === "wss")
    ? { ...target, path }
    : target
}

/** Short, for a prompt or a headline. */
function nameOf(target: ConnectTarget): string {
  if (target.scheme === "unix") return `unix:${target.path}`
  const host = target.host.includes(":") ? `[${target.host}]` : target.host
  return `${target.scheme === "tcp" ? "" : `${target.scheme}://`}${host}:${target.port}`
}
