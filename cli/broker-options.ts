import { type Command, Option } from "commander"
import type { ClientOptions } from "../src/client/client-options.ts"
import type { ProtocolVersion } from "../src/protocol/packet.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { type PasswordOptions, passwordOf } from "./connection-options.ts"
import { CommandError } from "./output.ts"
import { type ConnectionUrl, parseConnectionUrl } from "./connection-url.ts"
import { planSaved } from "./saved/plan-connection.ts"
import { type TargetOptions, targetOf, withTargetOptions } from "./target-options.ts"

/** The options of commands that stay with one broker and look around there: shell and top. */
export interface BrokerOptions extends TargetOptions, PasswordOptions {
  readonly to?: string
  readonly url?: string
  readonly username?: string
  readonly id?: string
  readonly protocolVersion?: "5" | "311" | "31"
}

/** Adds them, and the address as an argument. `-h` is the host, as in pub and sub; help is `--help`. */
export function withBrokerOptions(command: Command): Command {
  return withTargetOptions(
    command
      .helpOption("--help", "display help for command")
      .argument("[url]", "mqtt[s]://, ws[s]://[USER[:PASSWORD]@]HOST[:PORT] or unix:///PATH")
      .option("--to <name>", "a saved connection in the place of a URL: bantam connect"),
  )
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password; others on the machine see it while we run")
    .option("--password-file <file>", "password: what the file holds, up to its last newline")
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
  readonly client: Pick<ClientOptions, "clientId" | "username" | "password">
  /** The DNS knows the target by the name of its host. */
  readonly isLookedUp: boolean
}

const versionNumbers = { "5": 5, "311": 4, "31": 3 } as const

/**
 * @param address as the argument; what it names overrules the options
 * @param role a part of the client identifier, unless -i says another
 * @throws CommandError
 */
export async function planBroker(
  address: string | undefined,
  options: BrokerOptions,
  role: string,
): Promise<BrokerPlan> {
  const { id, protocolVersion } = options
  const { target, username, password, isLookedUp } = await placeOf(address ?? options.url, options)
  return {
    target,
    name: nameOf(target),
    versions: protocolVersion === undefined ? [5, 4] : [versionNumbers[protocolVersion]],
    isLookedUp,
    client: {
      // Not the one of a saved connection, for whoever has that would be cut off. Every server takes 23 characters.
      clientId: id ?? `bantam-${role}-${crypto.randomUUID().slice(0, 8)}`,
      username,
      password,
    },
  }
}

type Place = Pick<BrokerPlan, "target" | "isLookedUp"> & Pick<ClientOptions, "username" | "password">

async function placeOf(url: string | undefined, options: BrokerOptions): Promise<Place> {
  if (options.to !== undefined) {
    const others = [url, options.host, options.unix, options.username]
    if (others.some((other) => other !== undefined)) {
      throw new CommandError("--to names server and user already: leave out the URL, -h, --unix and -u")
    }
    const { target, client, isLookedUp } = await planSaved(options.to)
    return { target, username: client.username, password: client.password, isLookedUp }
  }
  const given: Partial<ConnectionUrl> = url === undefined ? {} : urlOf(url)
  const { target: place, username = options.username, password } = given
  return {
    target: targetOf(place === undefined ? options : { ...options, ...optionsOf(place) }, "bantam"),
    username,
    password: password === undefined ? passwordOf(options) : Buffer.from(password),
    isLookedUp: options.srv === true,
  }
}

/** `mqtt://` unless it says otherwise. */
function urlOf(text: string): ConnectionUrl {
  const url = parseConnectionUrl(text.includes("://") ? text : `mqtt://${text}`)
  if (typeof url !== "string") return url
  throw new CommandError(`${text.replace(/[^/]*@/, "")}: it ${url}`)
}

/** As options, so that those about TLS and the way there hold for an address too. */
function optionsOf(target: ConnectTarget): Partial<TargetOptions> {
  if (target.scheme === "unix") return { unix: target.path }
  const { scheme, host, port } = target
  return {
    host,
    port,
    ...(scheme === "ws" || scheme === "wss" ? { ws: true } : {}),
    ...(scheme === "tls" || scheme === "wss" ? { tlsUseOsCerts: true } : {}),
    ...("path" in target && target.path !== undefined ? { wsPath: target.path } : {}),
  }
}

/** Short, for a prompt or a headline. */
function nameOf(target: ConnectTarget): string {
  if (target.scheme === "unix") return `unix:${target.path}`
  const host = target.host.includes(":") ? `[${target.host}]` : target.host
  return `${target.scheme === "tcp" ? "" : `${target.scheme}://`}${host}:${target.port}`
}
