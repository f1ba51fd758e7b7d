import { type Command, InvalidArgumentError, Option } from "commander"
import type { ProtocolVersion, Qos } from "../../src/protocol/packet.ts"
import { parseTopicName, wireTopicLimits } from "../../src/protocol/topic.ts"
import { keepAlive, qosLevel, version } from "../connection-options.ts"
import { parseDuration } from "../duration.ts"
import { wholeNumber } from "../options.ts"
import { type TargetOptions, withTargetOptions } from "../target-options.ts"
import type { Shape } from "./plan.ts"
import { parseRequirements, type Requirement } from "./requirements.ts"
import { type ConnectionUrl, connectionUrl } from "../connection-url.ts"
import { mostInFlight, type Usual, usual, usualBytes } from "./usual.ts"

/** What a bench command was told. What its shape does not know is undefined. */
export interface BenchOptions extends TargetOptions {
  readonly url?: string
  readonly username?: string
  readonly pw?: string
  readonly protocolVersion: ProtocolVersion
  readonly keepalive: number
  readonly idPrefix?: string
  readonly topic?: string
  readonly publishers?: number
  readonly subscribers?: number
  readonly clients?: number
  readonly topics?: number
  readonly share?: true
  readonly qos?: Qos
  readonly size?: number
  readonly for?: number
  readonly count?: number
  readonly warmUp?: number
  readonly inFlight?: number
  readonly rate?: number | "max"
  readonly connectRate: number
  readonly compare?: ConnectionUrl
  readonly rounds: number
  readonly require?: readonly Requirement[]
  readonly json?: true
}

const mostClients = 1_000_000

/** Adds the options that a shape has. */
export function withBenchOptions(command: Command, shape: Shape): Command {
  const { publishers, subscribers, clients, topics, share, qos, count, rate }: Usual = usual[shape]
  const clientCount = wholeNumber(1, mostClients)
  command.helpOption("--help", "display help for command").optionsGroup("Load:")
  if (publishers !== undefined)
    command.option("--publishers <count>", "clients that publish", clientCount, publishers)
  if (subscribers !== undefined) {
    const what = shape === "offline" ? "clients that are away" : "clients that subscribe"
    command.option("--subscribers <count>", what, clientCount, subscribers)
  }
  if (clients !== undefined) {
    command.option(
      "--clients <count>",
      "connections that may be opening or leaving at a time",
      clientCount,
      clients,
    )
  }
  if (topics !== undefined) {
    command.option(
      "--topics <count>",
      `topics, dealt out in turn (default: ${topics})`,
      wholeNumber(1, mostClients),
    )
  }
  if (share === true)
    command.option("--share", "the subscribers share what comes, each message to one of them")
  if (qos !== undefined) {
    const levels = shape === "offline" ? "1 or 2" : "0, 1 or 2"
    command.option("-q, --qos <level>", `quality of service: ${levels}`, qosLevel, qos)
    command.option(
      "--size <bytes>",
      "payload, 12 or more, for it tells when it was due",
      wholeNumber(12, 16_777_216),
      usualBytes,
    )
    command.option(
      "-t, --topic <prefix>",
      "topics are below it (default: bench/ and something random)",
      topicPrefix,
    )
    const what = "messages of a publisher on their way"
    command.option(
      "--in-flight <count>",
      rate === undefined
        ? `${what} (default: ${mostInFlight})`
        : `${what} (default: up to ${mostInFlight}; with --rate 1,000)`,
      wholeNumber(1, 65_535),
    )
  }
  if (rate !== undefined) {
    const what = "so many a second, due at fixed times whatever the broker does (open loop)"
    command.option("--rate <count>", `${what}, or max`, rateOf, rate)
  }
  if (count === undefined) {
    command
      .option("--for <time>", "how long to measure, such as 30s (default: 10s)", milliseconds)
      .option("--warm-up <time>", "before that (default: 1s)", milliseconds)
      .addOption(
        new Option("--count <count>", "so many instead, and nothing before").argParser(wholeNumber(1, 1e9)),
      )
  } else {
    command.option("--count <count>", "messages in all", wholeNumber(1, 1e9), count)
  }
  command
    .option("--connect-rate <count>", "connections opened a second", wholeNumber(1, 100_000), 1_000)
    .optionsGroup("Result:")
    .option("--json", "one JSON object")
    .option(
      "--require <bounds>",
      "exit with 1 unless they hold, such as p99<10ms,rate>1000",
      parseRequirements,
    )
    .option("--compare <url>", "the same load on another broker as well, by turns", connectionUrl)
    // One round tells nothing of how far rounds are apart.
    .option("--rounds <count>", "of each broker, with --compare", wholeNumber(2, 100), 3)
    .optionsGroup("Connection:")
  withTargetOptions(command)
  // What Mosquitto's clients have and we cannot is told to whoever asks for it, and no more.
  for (const option of command.options) option.hidden = option.description === "not possible here"
  return command
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password")
    .option("--id-prefix <prefix>", "client identifiers begin with it (default: bench- and something random)")
    .option("-k, --keepalive <seconds>", "keep alive, 5 to 65535, or 0 for none", keepAlive, 60)
    .option("-V, --protocol-version <version>", "5, 311 or 31; only 5 tells why it refuses", version, 5)
}

function rateOf(text: string): number | "max" {
  return text === "max" ? "max" : wholeNumber(1, 10_000_000)(text)
}

function milliseconds(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms > 0x7fff_ffff)
    throw new InvalidArgumentError("It must be such as 500ms, 30s or 5m.")
  return ms
}

function topicPrefix(text: string): string {
  if (parseTopicName(text, wireTopicLimits) !== undefined) return text.replace(/\/$/, "")
  throw new InvalidArgumentError("It must be a topic, without + and #.")
}
