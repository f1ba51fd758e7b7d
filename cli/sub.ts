import { Command, InvalidArgumentError } from "commander"
import { systemClock } from "../src/foundation/clock.ts"
import type { RequestAnswer } from "../src/client/requests.ts"
import type { RetainHandling, SubscribeRequest } from "../src/protocol/packet.ts"
import { describeReasonCode, isError } from "../src/protocol/reason-code.ts"
import { parseSubscriptionFilter, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun, ExitCode } from "./client-run.ts"
import { type ConnectionOptions, planConnection, withConnectionOptions } from "./connection-options.ts"
import { MessagePrinter, type PrintOptions } from "./message-printer.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"

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
  return withConnectionOptions(command)
    .option("-t, --topic <filter>", "topic filter to subscribe to; repeatable", collect)
    .option("-U, --unsubscribe <filter>", "topic filter to unsubscribe from; repeatable", collect)
    .option("-T, --filter-out <filter>", "print nothing on these topics; repeatable", collect)
    .option("-C, --count <count>", "exit after so many messages", wholeNumber(1, 0xffff_ffff))
    .option("-W, --timeout <seconds>", "exit with 27 after so long", wholeNumber(1, 0xffff_ffff))
    .option("-E, --exit-after-subscribe", "exit when the subscriptions are made")
    .option("-v, --verbose", "print the topic before the payload")
    .option("-N, --omit-newline", "print no newline after a message")
    .option("-F, --format <format>", "how to print a message; -F %j is JSON")
    .option("-R, --hide-retained", "do not print retained messages")
    .option("--retained-only", "print retained messages, and exit at the first that is not")
    .option("--remove-retained", "remove from the server each retained message that comes")
    .option("--retain-as-published", "keep the retain flag of new messages; MQTT 5")
    .option("--retain-handling <when>", "send retained messages always, new or never; MQTT 5", retainHandling)
    .addHelpText("after", examples)
    .action(sub)
}

const examples = `
Examples:
  bantam sub -t '#' -v
  bantam sub -t lamp/+ -C 1 -W 5 -F '%I %t %q %p'

Exit codes:
  0 done, 1 wrong command line, 7 connection lost, 14 server not reached, 27 timed out,
  from 128 the server's reason code`

async function sub(options: SubOptions): Promise<void> {
  const requests = requestsOf(options)
  const { unsubscribe = [] } = options
  for (const filter of unsubscribe) checkFilter("-U", filter)
  if (requests.length === 0 && unsubscribe.length === 0) throw new CommandError("no topic: add -t FILTER")
  const needs5 = options.retainHandling === undefined ? undefined : "--retain-handling"
  const plan = planConnection(
    options,
    options.retainAsPublished === undefined ? needs5 : "--retain-as-published",
  )
  const output = standardOutput()
  const printer = new MessagePrinter(options, output)
  const run = new ClientRun(plan, options, output, {
    acknowledge: "manual",
    onMessage: (publish) => printer.take(publish, run),
  })
  output.onFull = () => run.client.pause()
  output.onDrained = () => run.client.resume()
  output.onBroken = (error) => {
    if (error.code !== "EPIPE") run.fail(`cannot write to standard output: ${error.message}`, 1)
    void run.sayGoodbye()
  }
  await run.finish(async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => run.sayGoodbye())
    if (options.timeout !== undefined) {
      systemClock.at(systemClock.now() + options.timeout * 1000, () => {
        run.fail("timed out", ExitCode.timedOut)
        void run.sayGoodbye()
      })
    }
    if (requests.length > 0) {
      const answer = await run.client.subscribe(requests, plan.properties.subscribe)
      if (!someGranted(run, requests, answer)) return
    }
    if (unsubscribe.length > 0) {
      const answer = await run.client.unsubscribe(unsubscribe, plan.properties.unsubscribe)
      for (const [index, code] of answer.reasonCodes.entries()) {
        if (isError(code))
          run.warn(`unsubscribe from ${unsubscribe[index]} refused: ${describeReasonCode(code)}`)
      }
    }
    if (options.exitAfterSubscribe !== true) await printer.over
  })
  await output.drained()
}

function requestsOf(options: SubOptions): SubscribeRequest[] {
  const { topic = [], url } = options
  return (url === undefined ? topic : [...topic, url.topic]).map((filter) => {
    checkFilter("-t", filter)
    return {
      filter,
      qos: options.qos,
      noLocal: false,
      retainAsPublished: options.retainAsPublished === true,
      retainHandling: options.retainHandling ?? 0,
    }
  })
}

function checkFilter(flag: string, text: string): void {
  if (parseSubscriptionFilter(text, wireTopicLimits) !== undefined) return
  throw new CommandError(`${flag} ${text}: in a topic filter + fills a whole level, and # the last one`)
}

/** @returns false when the server refused all of them */
function someGranted(
  run: ClientRun,
  requests: readonly SubscribeRequest[],
  { reasonCodes }: RequestAnswer,
): boolean {
  const [first] = reasonCodes
  if (first !== undefined && reasonCodes.every(isError)) {
    run.fail(`all subscription requests were denied: ${describeReasonCode(first)} (${first})`, first)
    return false
  }
  for (const [index, code] of reasonCodes.entries()) {
    if (isError(code))
      run.warn(`subscription to ${requests[index]?.filter} denied: ${describeReasonCode(code)}`)
  }
  return true
}

function retainHandling(text: string): RetainHandling {
  const values: Readonly<Record<string, RetainHandling>> = { always: 0, new: 1, never: 2 }
  const value = values[text]
  if (value === undefined) throw new InvalidArgumentError("It must be always, new or never.")
  return value
}
