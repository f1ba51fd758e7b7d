import { type Command, InvalidArgumentError, Option } from "commander"
import type { ProtocolVersion, Qos } from "../../src/protocol/packet.ts"
import { parseTopicName, wireTopicLimits } from "../../src/protocol/topic.ts"
import { keepAlive, qosLevel, version } from "../connection-options.ts"
import { parseDuration } from "../duration.ts"
import { wholeNumber } from "../options.ts"
import { CommandError } from "../output.ts"
import { type TargetOptions, withTargetOptions } from "../target-options.ts"
import type { Extent, Plan, Shape } from "./plan.ts"
import { parseRequirements, type Requirement } from "./requirements.ts"
import { parseServer, type WrittenServer } from "./server.ts"
import { isEven, Topology } from "./topology.ts"

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
  readonly compare?: WrittenServer
  readonly rounds: number
  readonly require?: readonly Requirement[]
  readonly json?: true
}

/** What a shape is when nothing is said. */
interface Usual {
  readonly publishers?: number
  readonly subscribers?: number
  readonly clients?: number
  /** Said of --topics. */
  readonly topics?: string
  readonly share?: true
  readonly qos?: Qos
  readonly count?: number
  readonly rate?: number | "max"
}

export const usual = {
  pub: { publishers: 10, topics: "one each", qos: 0, rate: "max" },
  sub: { publishers: 1, subscribers: 10, topics: "one for each subscriber", qos: 0, rate: 1_000 },
  fanout: { publishers: 1, subscribers: 10, topics: "1", qos: 0, rate: "max" },
  fanin: {
    publishers: 10,
    subscribers: 1,
    topics: "one for each publisher",
    share: true,
    qos: 0,
    rate: "max",
  },
  conn: { clients: 10, rate: "max" },
  offline: { publishers: 1, subscribers: 10, qos: 1, count: 5_000 },
} as const satisfies Record<Shape, Usual>

const usualInFlight = { closed: 20, open: 1_000 } as const
const usualBytes = 64
const usualMs = 10_000
const usualWarmUpMs = 1_000
const mostClients = 1_000_000
/** What the packets of all publishers, and what the subscribers remember, may take of memory. */
const mostBytes = 512 * 1024 * 1024

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
    command.option(
      "--in-flight <count>",
      `messages of a publisher on their way (default: ${usualInFlight.closed}${rate === undefined ? "" : `; with --rate ${usualInFlight.open}`})`,
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
    .option("--compare <url>", "the same load on another broker as well, by turns", parseServer)
    .option("--rounds <count>", "of each broker, with --compare", wholeNumber(1, 100), 3)
    .optionsGroup("Connection:")
  return withTargetOptions(command)
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password")
    .option("--id-prefix <prefix>", "client identifiers begin with it (default: bench- and something random)")
    .option("-k, --keepalive <seconds>", "keep alive, 5 to 65535, or 0 for none", keepAlive, 60)
    .option("-V, --protocol-version <version>", "5, 311 or 31; only 5 tells why it refuses", version, 5)
}

/** @throws CommandError */
export function planOf(shape: Shape, options: BenchOptions): Plan {
  const mark = crypto.randomUUID().slice(0, 6)
  const perSecond = options.rate === "max" ? undefined : options.rate
  const { publishers = 0, subscribers = 0, clients = 0, qos = 0 } = options
  if (shape === "offline" && qos === 0)
    throw new CommandError("-q 0: messages of QoS 0 need not wait for anybody; use 1 or 2")
  if (options.require !== undefined && options.compare !== undefined) {
    throw new CommandError("--require and --compare exclude each other: leave one out")
  }
  const inFlight =
    clients > 0 ? clients : (options.inFlight ?? usualInFlight[perSecond === undefined ? "closed" : "open"])
  const plan: Plan = {
    shape,
    publishers,
    subscribers,
    topics: options.topics ?? usualTopics(shape, publishers, subscribers),
    hearing: options.share === true ? "shared" : shape === "fanout" || shape === "fanin" ? "all" : "apart",
    version: options.protocolVersion,
    keepAliveSeconds: options.keepalive,
    idPrefix: options.idPrefix ?? `bench-${mark}`,
    topicPrefix: options.topic ?? `bench/${mark}`,
    qos,
    payloadBytes: options.size ?? usualBytes,
    inFlight,
    perSecond,
    connectsPerSecond: options.connectRate,
    extent: extentOf(options),
  }
  checkSize(plan)
  return plan
}

function extentOf({ for: ms, warmUp, count }: BenchOptions): Extent {
  if (count === undefined) return { by: "time", warmUpMs: warmUp ?? usualWarmUpMs, ms: ms ?? usualMs }
  if (ms !== undefined) throw new CommandError("--count and --for exclude each other: leave one out")
  if (warmUp !== undefined)
    throw new CommandError("--warm-up goes with --for: with --count everything counts")
  return { by: "count", count }
}

function usualTopics(shape: Shape, publishers: number, subscribers: number): number {
  switch (shape) {
    case "pub":
    case "fanin":
      return publishers
    case "sub":
    case "offline":
      return subscribers
    case "fanout":
    case "conn":
      return 1
  }
}

function checkSize(plan: Plan): void {
  const { subscribers, publishers, topics, payloadBytes } = plan
  if (!isEven(plan)) {
    throw new CommandError(
      `--subscribers ${subscribers} --topics ${topics}: each topic must have as many subscribers; choose a multiple`,
    )
  }
  const { lanes } = new Topology(plan, "")
  const packets = Math.max(publishers, topics) * (payloadBytes + 64)
  if (packets + subscribers * lanes * 12 > mostBytes) {
    throw new CommandError(
      "that load does not fit into memory: fewer --publishers, --subscribers or --topics, or a smaller --size",
    )
  }
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
