import { Command, InvalidArgumentError } from "commander"
import type { RetainHandling, SubscribeRequest } from "../src/protocol/packet.ts"
import { describeReasonCode, isError } from "../src/protocol/reason-code.ts"
import { parseSubscriptionFilter, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import {
  type ConnectionOptions,
  type ConnectionPlan,
  planConnection,
  withConnectionOptions,
} from "./connection-options.ts"
import { MessagePrinter } from "./message-printer.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { type PrintOptions, withPrintOptions } from "./print-options.ts"
import { leaveInTime, wholeSeconds } from "./leave-in-time.ts"

interface SubOptions extends ConnectionOptions, PrintOptions {
  readonly topic?: readonly string[]
  readonly unsubscribe?: readonly string[]
  readonly timeout?: number
  readonly exitAfterSubscribe?: true
  readonly retainAsPublished?: true
  readonly retainHandling?: RetainHandling
}

/** bantam sub: what mosquitto_sub does. */
export function subCommand(): Command {
  const command = new Command("sub").description("subscribe and print messages")
  return withPrintOptions(withConnectionOptions(command))
    .option("-t, --topic <filter>", "topic filter to subscribe to; repeatable", collect)
    .option("-U, --unsubscribe <filter>", "topic filter to unsubscribe from; repeatable", collect)
    .option("-T, --filter-out <filter>", "print nothing on these topics; repeatable", collect)
    .option("-C, --count <count>", "exit after so many messages", wholeNumber(1, 0xffff_ffff))
    .option("-W, --timeout <seconds>", "exit with 27 after so long", wholeSeconds)
    .option("-E, --exit-after-subscribe", "exit when the subscriptions are made")
    .option("-R, --hide-retained", "do not print retained messages")
    .option("--retained-only", "print retained messages, and exit at the first that is not")
    .option("--remove-retained", "remove from the server each retained message that comes")
    .option("--random-filter <percent>", "print so many of 100 messages, by chance", percentage)
    .option("--message-rate", "print how many messages came in each second, and not the messages")
    .option("-w, --watch", "one line of the terminal for each topic")
    .option("--retain-as-published", "keep the retain flag of new messages; MQTT 5")
    .option("--retain-handling <when>", "send retained messages always, new or never; MQTT 5", retainHandling)
    .addHelpText("after", examples)
    .action(sub)
}

const examples = `
Examples:
  bantam sub -t '#' -v
  bantam sub -t lamp/+ -C 1 -W 5 -F '%I %t %q %p'

Options that hold for each call: $XDG_CONFIG_HOME/bantam/sub, or ~/.config/bantam/sub, one a line.

Exit codes:
  0 done, 1 wrong command line, 7 connection lost, 14 server not reached, 27 timed out,
  from 128 the server's reason code`

async function sub(options: SubOptions): Promise<void> {
  const { unsubscribe = [], topic = [] } = options
  for (const filter of topic) checkFilter("-t", filter)
  for (const filter of unsubscribe) checkFilter("-U", filter)
  if (topic.length === 0 && unsubscribe.length === 0) throw new CommandError("no topic: add -t FILTER")
  const needs5 =
    options.retainAsPublished === true
      ? "--retain-as-published"
      : options.retainHandling === undefined
        ? undefined
        : "--retain-handling"
  const plan = planConnection(options, { needs5, messages: options.count })
  const requests = topic.map((filter) => requestOf(filter, options))
  const output = standardOutput()
  const printer = new MessagePrinter(options, plan.manner.name, output)
  const run = new ClientRun(plan, options, output, {
    acknowledge: "manual",
    onMessage: (publish) => printer.take(publish, run),
  })
  output.onFull = () => run.client.pause()
  output.onDrained = () => run.client.resume()
  output.onBroken = (error) => {
    const sentence = `cannot write to standard output: ${error.message}`
    if (error.code !== "EPIPE") run.fail({ sentence, exitCode: 1 })
    void run.sayGoodbye()
  }
  const work = async () => {
    const granted = await Promise.all([
      subscribe(run, plan, requests),
      ...unsubscribe.map((filter) => end(run, plan, filter)),
    ])
    if (granted.includes(false)) return
    if (options.exitAfterSubscribe !== true) await printer.over
  }
  const forget = leaveInTime(run, plan, options.timeout)
  // Who keeps mosquitto_sub open all day has it come back by itself.
  await (plan.manner.name === "mosquitto" ? run.persist(work) : run.finish(work))
  forget()
  printer.end()
  await output.drained()
}

function requestOf(
  filter: string,
  { qos, retainAsPublished, retainHandling, hideRetained, asMosquitto }: SubOptions,
): SubscribeRequest {
  return {
    filter,
    qos,
    noLocal: false,
    retainAsPublished: retainAsPublished === true,
    // Mosquitto does not have sent what it would not print; who removes retained messages must see them.
    retainHandling: retainHandling ?? (hideRetained === true && asMosquitto === true ? 2 : 0),
  }
}

/** @throws CommandError */
export function checkFilter(flag: string, text: string): void {
  if (parseSubscriptionFilter(text, wireTopicLimits) !== undefined) return
  throw new CommandError(`${flag} ${text}: in a topic filter + fills a whole level, and # the last one`)
}

/** @returns false when the server refused all of them */
export async function subscribe(
  run: ClientRun,
  { manner, properties }: ConnectionPlan,
  requests: readonly SubscribeRequest[],
): Promise<boolean> {
  if (requests.length === 0) return true
  const { reasonCodes } = await run.client.subscribe(requests, properties.subscribe)
  const [first] = reasonCodes
  if (first !== undefined && reasonCodes.every(isError)) {
    run.fail(manner.allDenied(first))
    return false
  }
  for (const [index, code] of reasonCodes.entries()) {
    const denied = isError(code) ? manner.someDenied(requests[index]?.filter ?? "", code) : undefined
    if (denied !== undefined) run.fail(denied)
  }
  return true
}

/** Ends a subscription. That one is refused is told of, and no failure. */
async function end(run: ClientRun, { properties }: ConnectionPlan, filter: string): Promise<boolean> {
  const { reasonCodes } = await run.client.unsubscribe([filter], properties.unsubscribe)
  for (const code of reasonCodes) {
    if (isError(code)) run.warn(`unsubscribe from ${filter} refused: ${describeReasonCode(code)}`)
  }
  return true
}

function percentage(text: string): number {
  const percent = Number(text)
  if (text !== "" && percent >= 0.1 && percent <= 100) return percent
  throw new InvalidArgumentError("It must be a number from 0.1 to 100.")
}

export function retainHandling(text: string): RetainHandling {
  const values: Readonly<Record<string, RetainHandling>> = { always: 0, new: 1, never: 2 }
  const value = values[text]
  if (value === undefined) throw new InvalidArgumentError("It must be always, new or never.")
  return value
}
