import { Command, InvalidArgumentError } from "commander"
import { parseTopicFilter, wireTopicLimits } from "../src/protocol/topic.ts"
import { type BrokerOptions, planBroker, withBrokerOptions } from "./broker-options.ts"
import { parseDuration } from "./duration.ts"
import { NoConnection } from "./kept-connection.ts"
import { ManagementClient } from "./management/management-client.ts"
import { collect, type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, complain } from "./output.ts"
import { ManagementSource } from "./top/management-source.ts"
import { MqttSource } from "./top/mqtt-source.ts"
import type { Source } from "./top/reading.ts"
import { report } from "./top/report.ts"
import { watch } from "./top/watch.ts"

interface TopOptions extends BrokerOptions, SettingsOptions {
  readonly topic?: readonly string[]
  /** In milliseconds. */
  readonly every: number
  readonly once?: true
  readonly json?: true
}

/** bantam top */
export function topCommand(): Command {
  return withSettingsOptions(
    withBrokerOptions(new Command("top").description("watch a broker: rates, loudest topics, clients")),
  )
    .option("-t, --topic <filter>", "by MQTT: count these messages (default: #); repeatable", topicFilter)
    .option("--every <time>", "how often to look, from 200ms to 1h", pace, 2_000)
    .option("--once", "one look, as long as --every says, and no more")
    .option("--json", "one JSON object each time")
    .addHelpText("after", examples)
    .action(async (url: string | undefined, options: TopOptions) => {
      process.exitCode = await top(url, options)
    })
}

const examples = `
Examples:
  bantam top                          the broker of this machine, at its admin socket
  bantam top --data /var/lib/bantam   the same, by its data directory
  bantam top mqtt://localhost:1883    any broker, by MQTT
  bantam top mqtts://alice@broker.example.org -P secret -t 'home/#'
  bantam top mqtt://localhost --once --json | jq .rates

At the admin socket, which the broker's own user may open, clients are told of as well, and can be kicked. By MQTT the
figures are those that the broker publishes under $SYS; topics are those of the messages that are sent to us, and single
clients are not told. In a pipe, and on a dumb terminal, there is one line each time.

Exit codes:
  0 done, 1 wrong command line, 14 server not reached, from 128 the server's reason code`

async function top(url: string | undefined, options: TopOptions): Promise<number> {
  try {
    await using opened = await open(url, options)
    const { source } = opened
    const { every: intervalMs, json = false, once = false } = options
    const isScreen =
      process.stdin.isTTY === true && process.stdout.isTTY === true && process.env["TERM"] !== "dumb"
    if (isScreen && !json && !once) await watch(source, intervalMs)
    else await report(source, { intervalMs, json, once })
    return 0
  } catch (error) {
    if (!(error instanceof NoConnection)) throw error
    complain(error.message)
    return error.exitCode
  }
}

async function open(
  url: string | undefined,
  options: TopOptions,
): Promise<{ readonly source: Source } & AsyncDisposable> {
  const source = isByMqtt(url, options)
    ? await MqttSource.open(await planBroker(url, options, "top"), options.topic ?? ["#"])
    : await openManagement(options)
  return { source, [Symbol.asyncDispose]: () => source.close() }
}

/** Whoever says where to connect, as whom or to what to subscribe means MQTT. */
function isByMqtt(url: string | undefined, options: TopOptions): boolean {
  const { to, host, port, unix, url: theirUrl, username, topic } = options
  return [url, to, host, port, unix, theirUrl, username, topic].some((given) => given !== undefined)
}

async function openManagement(options: TopOptions): Promise<Source> {
  const source = new ManagementSource(new ManagementClient(options), options.every)
  try {
    await source.read()
    return source
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    throw new CommandError(`${error.message}; any broker can be watched by MQTT: bantam top mqtt://HOST`)
  }
}

function pace(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= 200 && ms <= 3_600_000) return ms
  throw new InvalidArgumentError("It must be a time from 200ms to 1h, such as 2s.")
}

function topicFilter(text: string, before: readonly string[] | undefined): string[] {
  if (parseTopicFilter(text, wireTopicLimits) !== undefined) return collect(text, before)
  throw new InvalidArgumentError("In a topic filter + fills a whole level, and # the last one.")
}
