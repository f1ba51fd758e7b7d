import { type Command, InvalidArgumentError } from "commander"
import type { ClientOptions } from "../src/client/client-options.ts"
import type { ProtocolVersion, Qos, WillFields } from "../src/protocol/packet.ts"
import type { PropertiesOf } from "../src/protocol/properties.ts"
import { parseTopicName, wireTopicLimits } from "../src/protocol/topic.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { type PropertyOptions, parsePropertyOptions } from "./property-options.ts"
import { parseServerUrl, type ServerUrl } from "./server-url.ts"

/** The options of mosquitto_pub and mosquitto_sub that say how to reach a server and who we are. */
export interface ConnectionOptions {
  readonly host?: string
  readonly port?: number
  readonly url?: ServerUrl
  readonly unix?: string
  readonly ws?: true
  readonly tls: boolean
  readonly cafile?: string
  readonly cert?: string
  readonly key?: string
  readonly insecure?: true
  readonly tlsUseOsCerts?: true
  readonly username?: string
  readonly pw?: string
  readonly id?: string
  readonly idPrefix?: string
  readonly keepalive: number
  readonly disableCleanSession?: true
  readonly sessionExpiry?: number
  readonly protocolVersion?: ProtocolVersion
  readonly qos: Qos
  readonly maxInflight: number
  readonly property?: readonly string[]
  readonly willTopic?: string
  readonly willPayload?: string
  readonly willQos?: Qos
  readonly willRetain?: true
  readonly debug?: true
  readonly quiet?: true
}

/** Adds them. `-h` is the host, as in Mosquitto; help is `--help`. */
export function withConnectionOptions(command: Command): Command {
  return command
    .helpOption("--help", "display help for command")
    .option("-h, --host <host>", "server (default: localhost)")
    .option("-p, --port <port>", "its port (default: 1883; TLS 8883, WebSocket 8083 and 8084)", port)
    .option("-L, --url <url>", "mqtt[s]://[user[:password]@]host[:port]/topic, or ws[s]://", serverUrl)
    .option("--unix <path>", "unix socket of the server")
    .option("--ws", "MQTT over WebSocket")
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password")
    .option("-i, --id <id>", "client identifier (default: a random one, or the server's choice)")
    .option("-I, --id-prefix <prefix>", "client identifier made of this and the process id")
    .option("-k, --keepalive <seconds>", "keep alive, 5 to 65535, or 0 for none", keepAlive, 60)
    .option("-c, --disable-clean-session", "keep the session when we go; needs -i")
    .option("-x, --session-expiry <seconds>", "keep it for so long, -1 for ever; MQTT 5", sessionExpiry)
    .option("-V, --protocol-version <version>", "5, 311 or 31 (default: 311, or 5 if needed)", version)
    .option("-q, --qos <level>", "quality of service: 0, 1 or 2", qosLevel, 0)
    .option("-M, --max-inflight <count>", "unacknowledged messages on the way", wholeNumber(1, 65_535), 20)
    .option("-D, --property <words...>", "PACKET NAME VALUE, such as publish content-type text", collect)
    .option("--will-topic <topic>", "what the server publishes if we vanish")
    .option("--will-payload <text>", "its payload")
    .option("--will-qos <level>", "its quality of service", qosLevel)
    .option("--will-retain", "retain it")
    .option("--cafile <file>", "who may have signed the server's certificate; turns TLS on")
    .option("--cert <file>", "our certificate")
    .option("--key <file>", "its key")
    .option("--insecure", "take any certificate")
    .option("--tls-use-os-certs", "TLS with the certificates that the system trusts")
    .option("--no-tls", "no TLS on port 8883")
    .option("-d, --debug", "print each packet")
    .option("--quiet", "print no errors while running")
}

/** What the options come to. */
export interface ConnectionPlan {
  readonly target: ConnectTarget
  readonly client: ClientOptions
  readonly properties: PropertyOptions
}

/**
 * @param needs5 the command's own option that only MQTT 5.0 can, if any
 * @throws CommandError
 */
export function planConnection(options: ConnectionOptions, needs5?: string): ConnectionPlan {
  const properties = parsePropertyOptions(options.property ?? [])
  const version = versionOf(options, needs5)
  const username = options.username ?? options.url?.username
  const password = options.pw ?? options.url?.password
  if (password !== undefined && username === undefined && version !== 5) {
    throw new CommandError("-P without -u is for MQTT 5 only: add -u NAME, or -V 5")
  }
  return {
    target: targetOf(options),
    properties,
    client: {
      version,
      clientId: clientIdOf(options, version),
      cleanStart: options.disableCleanSession !== true,
      keepAliveSeconds: options.keepalive,
      username,
      password: password === undefined ? undefined : Buffer.from(password),
      will: willOf(options, properties.will),
      properties: { ...sessionExpiryOf(options), ...properties.connect },
      maximumInFlight: options.maxInflight,
    },
  }
}

function versionOf(options: ConnectionOptions, needs5: string | undefined): ProtocolVersion {
  const cause =
    needs5 ??
    (options.property === undefined ? undefined : "-D") ??
    (options.sessionExpiry === undefined ? undefined : "-x")
  if (cause === undefined) return options.protocolVersion ?? 4
  if ((options.protocolVersion ?? 5) === 5) return 5
  throw new CommandError(`${cause} needs MQTT 5: leave out -V, or write -V 5`)
}

function targetOf(options: ConnectionOptions): ConnectTarget {
  const { url, unix, cafile, cert, key } = options
  if (unix !== undefined) return { scheme: "unix", path: unix }
  const host = (options.host ?? url?.host ?? "localhost").replace(/^\[(.*)\]$/, "$1")
  const givenPort = options.port ?? url?.port
  const asked = [url?.tls, cafile, cert, key, options.insecure, options.tlsUseOsCerts]
  const isTls = asked.some(Boolean) || (givenPort === 8883 && options.tls)
  const isWebSocket = options.ws === true || url?.webSocket === true
  if (!isTls) {
    return isWebSocket
      ? { scheme: "ws", host, port: givenPort ?? 8083 }
      : { scheme: "tcp", host, port: givenPort ?? 1883 }
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError("--cert and --key go together: name both files or neither")
  }
  const tls = {
    ...(cafile === undefined ? {} : { caFile: cafile }),
    ...(cert === undefined || key === undefined ? {} : { certFile: cert, keyFile: key }),
    insecure: options.insecure === true,
  }
  return isWebSocket
    ? { scheme: "wss", host, port: givenPort ?? 8084, tls }
    : { scheme: "tls", host, port: givenPort ?? 8883, tls }
}

function clientIdOf(
  { id, idPrefix, disableCleanSession }: ConnectionOptions,
  version: ProtocolVersion,
): string {
  if (id !== undefined && idPrefix !== undefined) throw new CommandError("-i and -I exclude each other")
  if (idPrefix !== undefined) return `${idPrefix}${process.pid}`
  if (id !== undefined) return id
  if (disableCleanSession === true) throw new CommandError("-c needs a client identifier: add -i ID")
  // Before MQTT 5.0 not every server chooses one. 23 letters and digits every server takes [3.1.3.1].
  return version === 5 ? "" : `bantam${crypto.randomUUID().replaceAll("-", "").slice(0, 17)}`
}

function sessionExpiryOf({ sessionExpiry, disableCleanSession }: ConnectionOptions): PropertiesOf<"connect"> {
  if (sessionExpiry !== undefined) return { sessionExpiryInterval: sessionExpiry }
  return disableCleanSession === true ? { sessionExpiryInterval: 0xffff_ffff } : {}
}

function willOf(options: ConnectionOptions, properties: PropertiesOf<"will">): WillFields | undefined {
  const { willTopic, willPayload, willQos, willRetain } = options
  if (willTopic === undefined) {
    if (willPayload === undefined && willQos === undefined && willRetain === undefined) return undefined
    throw new CommandError("a will needs a topic: add --will-topic TOPIC")
  }
  if (parseTopicName(willTopic, wireTopicLimits) === undefined) {
    throw new CommandError(`--will-topic ${willTopic}: a topic is not empty and holds neither + nor #`)
  }
  const payload = Buffer.from(willPayload ?? "")
  return { topic: willTopic, payload, qos: willQos ?? 0, retain: willRetain === true, properties }
}

const port = wholeNumber(1, 65_535)

function keepAlive(text: string): number {
  return text === "0" ? 0 : wholeNumber(5, 65_535)(text)
}

function sessionExpiry(text: string): number {
  return text === "-1" || text === "∞" ? 0xffff_ffff : wholeNumber(0, 0xffff_ffff)(text)
}

function qosLevel(text: string): Qos {
  const level = ([0, 1, 2] as const).find((one) => String(one) === text)
  if (level === undefined) throw new InvalidArgumentError("It must be 0, 1 or 2.")
  return level
}

function version(text: string): ProtocolVersion {
  const versions: Readonly<Record<string, ProtocolVersion>> = { "5": 5, "311": 4, "31": 3 }
  const found = versions[text.replace(/^mqttv/, "")]
  if (found === undefined) throw new InvalidArgumentError("It must be 5, 311 or 31.")
  return found
}

function serverUrl(text: string): ServerUrl {
  const url = parseServerUrl(text)
  if (typeof url === "string") throw new InvalidArgumentError(`It ${url}.`)
  return url
}
