import { type Command, InvalidArgumentError, Option } from "commander"
import type { ClientOptions } from "../src/client/client-options.ts"
import type { ProtocolVersion, Qos, WillFields } from "../src/protocol/packet.ts"
import type { PropertiesOf } from "../src/protocol/properties.ts"
import { parseTopicName, wireTopicLimits } from "../src/protocol/topic.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { bantamManner, type Manner } from "./manner.ts"
import { mosquittoManner } from "./mosquitto-manner.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { readPasswordFile } from "./password-input.ts"
import { type PropertyOptions, parsePropertyOptions } from "./property-options.ts"
import { applyConnection } from "./saved/apply-connection.ts"
import { type TargetOptions, targetOf, withTargetOptions } from "./target-options.ts"

/** Where a password that belongs to -u comes from. */
export interface PasswordOptions {
  readonly pw?: string
  readonly passwordFile?: string
}

/** The options of mosquitto_pub, mosquitto_sub and mosquitto_rr that say who we are and how to talk. */
export interface ConnectionOptions extends TargetOptions, PasswordOptions {
  readonly asMosquitto?: true
  readonly to?: string
  readonly username?: string
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

/**
 * Adds them, and those that say where the server is. `-h` is the host, as in Mosquitto; help is `--help`.
 *
 * @param ours for a command that Mosquitto does not have: what -q is for, and what it is unless told
 */
export function withConnectionOptions(
  command: Command,
  ours?: { readonly qosIs: string; readonly qos: Qos },
): Command {
  return withTargetOptions(
    command
      .helpOption("--help", "display help for command")
      .option("--to <name>", "a saved connection: bantam connect; options beside it go before"),
  )
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password; others on the machine see it while we run")
    .option("--password-file <file>", "password: what the file holds, up to its last newline")
    .option("-i, --id <id>", "client identifier (default: a random one, or the server's choice)")
    .option("-I, --id-prefix <prefix>", "client identifier made of this and the process id")
    .option("-k, --keepalive <seconds>", "keep alive, 5 to 65535, or 0 for none", keepAlive, 60)
    .option("-c, --disable-clean-session", "keep the session when we go; needs -i")
    .option("-x, --session-expiry <seconds>", "keep it for so long, -1 for ever; MQTT 5", sessionExpiry)
    .option("-V, --protocol-version <version>", "5, 311 or 31 (default: what is needed)", version)
    .option(
      "-q, --qos <level>",
      `${ours?.qosIs ?? "quality of service"}: 0, 1 or 2`,
      qosLevel,
      ours?.qos ?? 0,
    )
    .option("-M, --max-inflight <count>", "unacknowledged messages on the way", wholeNumber(1, 65_535), 20)
    .option("-D, --property <packet name value>", "such as -D publish content-type text; repeatable", collect)
    .option("--will-topic <topic>", "what the server publishes if we vanish")
    .option("--will-payload <text>", "its payload")
    .option("--will-qos <level>", "its quality of service", qosLevel)
    .option("--will-retain", "retain it")
    .option("-d, --debug", "print each packet")
    .option("--quiet", "print no errors while running")
    .option("-o, --options-file <file>", "options that hold for each call, one a line (default: see below)")
    .addOption(
      new Option("--as-mosquitto", "say and exit as Mosquitto's own program does").hideHelp(
        ours !== undefined,
      ),
    )
    .hook("preAction", async (_, called) => {
      const { to } = called.opts<ConnectionOptions>()
      if (to !== undefined) await applyConnection(called, to)
    })
}

/** What the options come to. */
export interface ConnectionPlan {
  readonly target: ConnectTarget
  readonly client: ClientOptions
  readonly properties: PropertyOptions
  readonly manner: Manner
  /** The DNS knows the target by the name of its host. */
  readonly isLookedUp: boolean
}

/** What a command asks of the connection. */
export interface ConnectionNeeds {
  /** The command's own option that only MQTT 5.0 can, if any. */
  readonly needs5?: string | undefined
  /** When no option says; MQTT 3.1.1 unless told. */
  readonly defaultVersion?: ProtocolVersion
  /** How many messages are awaited, if not any number. */
  readonly messages?: number | undefined
}

/** @throws CommandError */
export function planConnection(options: ConnectionOptions, needs: ConnectionNeeds = {}): ConnectionPlan {
  const manner = options.asMosquitto === true ? mosquittoManner : bantamManner
  const properties = parsePropertyOptions(options.property ?? [])
  const version = versionOf(options, manner, needs)
  if (version !== 5 && Object.keys(properties.publish).length > 0) {
    throw new CommandError("-D publish needs MQTT 5: leave out -V, or write -V 5 behind it")
  }
  const { username } = options
  const password = passwordOf(options)
  if (password !== undefined && username === undefined && version !== 5) {
    throw new CommandError("-P without -u is for MQTT 5 only: add -u NAME, or -V 5")
  }
  return {
    target: targetOf(options, manner.name),
    properties,
    manner,
    isLookedUp: options.srv === true,
    client: {
      version,
      clientId: clientIdOf(options, version, manner),
      cleanStart: options.disableCleanSession !== true,
      keepAliveSeconds: options.keepalive,
      username,
      password,
      will: willOf(options, properties.will, manner),
      properties: { ...sessionExpiryOf(options), ...receiveMaximumOf(manner, needs), ...properties.connect },
      maximumInFlight: options.maxInflight,
    },
  }
}

/** @throws CommandError for two of them, and what the system says of the file */
export function passwordOf({ pw, passwordFile }: PasswordOptions): Uint8Array | undefined {
  if (pw !== undefined && passwordFile !== undefined) {
    throw new CommandError("-P and --password-file exclude each other")
  }
  if (passwordFile !== undefined) return readPasswordFile(passwordFile)
  return pw === undefined ? undefined : Buffer.from(pw)
}

/** Mosquitto takes few messages at a time, and no more than are wanted. */
function receiveMaximumOf({ name }: Manner, { messages = 20 }: ConnectionNeeds): PropertiesOf<"connect"> {
  return name === "mosquitto" ? { receiveMaximum: Math.min(messages, 20) } : {}
}

function versionOf(
  options: ConnectionOptions,
  { name }: Manner,
  { needs5, defaultVersion = 4 }: ConnectionNeeds,
): ProtocolVersion {
  // There, options that the version does not know are passed over.
  if (name === "mosquitto") return options.protocolVersion ?? defaultVersion
  const cause =
    needs5 ??
    (options.property === undefined ? undefined : "-D") ??
    (options.sessionExpiry === undefined ? undefined : "-x")
  if (cause === undefined) return options.protocolVersion ?? defaultVersion
  if ((options.protocolVersion ?? 5) === 5) return 5
  throw new CommandError(`${cause} needs MQTT 5: leave out -V, or write -V 5`)
}

function clientIdOf(options: ConnectionOptions, version: ProtocolVersion, { name }: Manner): string {
  const { id, idPrefix, disableCleanSession } = options
  if (id !== undefined && idPrefix !== undefined) throw new CommandError("-i and -I exclude each other")
  if (idPrefix !== undefined) return `${idPrefix}${process.pid}`
  if (id !== undefined) return id
  if (disableCleanSession === true) throw new CommandError("-c needs a client identifier: add -i ID")
  // Before MQTT 5.0 not every server chooses one. 23 letters and digits every server takes [3.1.3.1].
  if (version === 5 || (version === 4 && name === "mosquitto")) return ""
  const random = crypto.randomUUID().replaceAll("-", "")
  return name === "mosquitto" ? `mosq-${random.slice(0, 18)}` : `bantam${random.slice(0, 17)}`
}

function sessionExpiryOf({ sessionExpiry, disableCleanSession }: ConnectionOptions): PropertiesOf<"connect"> {
  if (sessionExpiry !== undefined) return { sessionExpiryInterval: sessionExpiry }
  return disableCleanSession === true ? { sessionExpiryInterval: 0xffff_ffff } : {}
}

function willOf(
  options: ConnectionOptions,
  properties: PropertiesOf<"will">,
  { name }: Manner,
): WillFields | undefined {
  const { willTopic, willPayload, willQos, willRetain } = options
  if (willTopic === undefined) {
    const hasQos = willQos !== undefined && name !== "mosquitto"
    if (willPayload === undefined && !hasQos && willRetain === undefined) return undefined
    throw new CommandError("a will needs a topic: add --will-topic TOPIC")
  }
  if (parseTopicName(willTopic, wireTopicLimits) === undefined) {
    throw new CommandError(`--will-topic ${willTopic}: a topic is not empty and holds neither + nor #`)
  }
  const payload = Buffer.from(willPayload ?? "")
  return { topic: willTopic, payload, qos: willQos ?? 0, retain: willRetain === true, properties }
}

export function keepAlive(text: string): number {
  return text === "0" ? 0 : wholeNumber(5, 65_535)(text)
}

function sessionExpiry(text: string): number {
  return text === "-1" || text === "∞" ? 0xffff_ffff : wholeNumber(0, 0xffff_ffff)(text)
}

export function qosLevel(text: string): Qos {
  const level = ([0, 1, 2] as const).find((one) => String(one) === text)
  if (level === undefined) throw new InvalidArgumentError("It must be 0, 1 or 2.")
  return level
}

export function version(text: string): ProtocolVersion {
  const versions: Readonly<Record<string, ProtocolVersion>> = { "5": 5, "311": 4, "31": 3 }
  const found = versions[text.replace(/^mqttv/, "")]
  if (found === undefined) throw new InvalidArgumentError("It must be 5, 311 or 31.")
  return found
}
