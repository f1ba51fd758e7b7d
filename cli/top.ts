import { Command, InvalidArgumentError } from "commander"
import { parseTopicFilter, wireTopicLimits } from "../src/protocol/topic.ts"
import { type BrokerOptions, planBroker, withBrokerOptions } from "./broker-options.ts"
import { parseDuration } from "./duration.ts"
import { NoConnection } from "./kept-connection.ts"
import { collect } from "./options.ts"
import { complain } from "./output.ts"
import { MqttSource } from "./top/mqtt-source.ts"
import type { Source } from "./top/reading.ts"
import { report } from "./top/report.ts"
import { watch } from "./top/watch.ts"

interface TopOptions extends BrokerOptions {
  readonly topic?: readonly string[]
  /** In milliseconds. */
  readonly interval: number
  readonly once?: true
  readonly json?: true
}

/** bantam top */
export function topCommand(): Command {
  return withBrokerOptions(new Command("top").description("watch a broker: rates, loudest topics, clients"))
    .argument("[url]", "mqtt[s]://, ws[s]://[USER[:PASSWORD]@]HOST[:PORT] or unix:///PATH: watch it by MQTT")
    .option("-t, --topic <filter>", "by MQTT: count these messages (default: #); repeatable", topicFilter)
    .option("--interval <time>", "how often to look, from 200ms to 1h", interval, 2_000)
    .option("--once", "one look, an interval long, and no more")
    .option("--json", "one JSON object each interval")
    .addHelpText("after", examples)
    .action(async (url: string | undefined, options: TopOptions) => {
      process.exitCode = await top(url, options)
    })
}

const examples = `
Examples:
  bantam top mqtt://localhost:1883
  bantam top mqtts://alice@broker.example.org -P secret -t 'home/#'
  bantam top mqtt://localhost --once --json | jq .rates

By MQTT the figures are those that the broker publishes under $SYS; topics are those of the messages that are sent to
us, and single clients are not told. In a pipe, and on a dumb terminal, there is one line each interval.

Exit codes:
  0 done, 1 wrong command line, 14 server not reached, from 128 the server's reason code`

async function top(url: string | undefined, options: TopOptions): Promise<number> {
  try {
    await using opened = await open(url, options)
    const { source } = opened
    const { interval: intervalMs, json = false, once = false } = options
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
): Promise<{ source: Source } & AsyncDisposable> {
  const source = await MqttSource.open(planBroker(url, options, "top"), options.topic ?? ["#"])
  return { source, [Symbol.asyncDispose]: () => source.close() }
}

function interval(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= 200 && ms <= 3_600_000) return ms
  throw new InvalidArgumentError("It must be a time from 200ms to 1h, such as 2s.")
}

function topicFilter(text: string, before: readonly string[] | undefined): string[] {
  if (parseTopicFilter(text, wireTopicLimits) !== undefined) return collect(text, before)
  throw new InvalidArgumentError("In a topic filter + fills a whole level, and # the last one.")
}
