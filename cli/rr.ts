import { Command } from "commander"
import type { Publish, RetainHandling } from "../src/protocol/packet.ts"
import type { PropertiesOf } from "../src/protocol/properties.ts"
import { isError } from "../src/protocol/reason-code.ts"
import { parseTopicName, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import {
  type ConnectionOptions,
  type ConnectionPlan,
  planConnection,
  withConnectionOptions,
} from "./connection-options.ts"
import { leaveInTime, wholeSeconds } from "./leave-in-time.ts"
import { MessagePrinter } from "./message-printer.ts"
import { CommandError } from "./output.ts"
import { type PayloadOptions, payloadOf, withPayloadOptions } from "./payload-options.ts"
import { type LayoutOptions, withPrintOptions } from "./print-options.ts"
import { publishTopicOf } from "./pub.ts"
import { retainHandling } from "./sub.ts"

interface RrOptions extends ConnectionOptions, LayoutOptions, PayloadOptions {
  readonly topic?: string
  readonly responseTopic?: string
  readonly timeout?: number
  readonly hideRetained?: true
  readonly latency?: true
  readonly retainAsPublished?: true
  readonly retainHandling?: RetainHandling
}

/** bantam rr: what mosquitto_rr does, but a request that the server refuses is not waited for. */
export function rrCommand(): Command {
  const command = new Command("rr").description("publish a request and print the response")
  return withPrintOptions(withPayloadOptions(withConnectionOptions(command)))
    .option("-t, --topic <topic>", "topic of the request")
    .option("-e, --response-topic <topic>", "topic where the response is awaited")
    .option("-W, --timeout <seconds>", "exit with 27 after so long", wholeSeconds)
    .option("-R, --hide-retained", "a retained message is no response, which it never is")
    .option("--latency", "print the time from the request to the response, in milliseconds")
    .option("--retain-as-published", "keep the retain flag of new messages; MQTT 5")
    .option("--retain-handling <when>", "send retained messages always, new or never; MQTT 5", retainHandling)
    .addHelpText("after", examples)
    .action(rr)
}

const examples = `
Examples:
  bantam rr -t lamp/1/get -e lamp/1/answer -m state -W 5

MQTT 5 unless -V says otherwise: the request names the response topic. With -D publish correlation-data, a response
that comes with other correlation data is not ours.

Options that hold for each call: $XDG_CONFIG_HOME/bantam/rr, or ~/.config/bantam/rr, one a line.

Exit codes:
  0 the response was printed, 1 wrong command line, 7 connection lost, 14 server not reached, 27 timed out,
  from 128 the server's reason code`

async function rr(options: RrOptions): Promise<void> {
  const { responseTopic } = options
  const topic = publishTopicOf(options.topic)
  if (responseTopic === undefined) throw new CommandError("no response topic: add -e TOPIC")
  if (parseTopicName(responseTopic, wireTopicLimits) === undefined) {
    throw new CommandError(`-e ${responseTopic}: a response topic is not empty and holds neither + nor #`)
  }
  const plan = planConnection(options, { defaultVersion: 5, messages: 1 })
  const read = payloadOf(options, plan.manner.name)
  if (read === undefined) throw new CommandError("say what to publish with one of -m, -f, -s and -n")
  const properties = requestProperties(plan, responseTopic)
  const payload = await read()

  const output = standardOutput()
  const printer = new MessagePrinter({ ...options, count: 1 }, plan.manner.name, output)
  const isResponse = responseTest(plan, options, properties)
  let sentMs = 0
  const run = new ClientRun(plan, options, output, {
    acknowledge: "manual",
    onMessage: (publish) => {
      if (!isResponse(publish)) return run.client.acknowledge(publish)
      if (options.latency === true) output.text(`${(performance.now() - sentMs).toFixed(3)} ms\n`)
      printer.take(publish, run)
    },
  })
  const forget = leaveInTime(run, plan, options.timeout)
  await run.finish(async () => {
    if (!(await subscribed(run, plan, responseTopic, options))) return
    sentMs = performance.now()
    const request = { topic, payload, qos: options.qos, properties }
    const answer = run.client.publish(request).then((answered) => {
      if (!isError(answered.reasonCode)) return printer.over
      run.fail(plan.manner.publishRefused(topic, answered, 1))
      // Mosquitto goes on waiting for the response to a request that nobody got.
      return plan.manner.name === "mosquitto" ? printer.over : undefined
    })
    await Promise.race([answer, printer.over])
  })
  forget()
  await output.drained()
}

function requestProperties({ properties }: ConnectionPlan, responseTopic: string): PropertiesOf<"publish"> {
  if (properties.publish.responseTopic !== undefined) {
    throw new CommandError("-D publish response-topic: -e names the response topic already; leave one out")
  }
  return { ...properties.publish, responseTopic }
}

/**
 * A message that was kept answers an earlier request; and whoever answers gives the correlation data back [4.10.1].
 * Mosquitto takes any message for the response.
 */
function responseTest(
  { manner }: ConnectionPlan,
  { retainAsPublished }: RrOptions,
  { correlationData }: PropertiesOf<"publish">,
): (publish: Publish) => boolean {
  if (manner.name === "mosquitto") return () => true
  return ({ retain, properties }) => {
    if (retain && retainAsPublished !== true) return false
    if (correlationData === undefined || properties.correlationData === undefined) return true
    return Buffer.from(correlationData).equals(properties.correlationData)
  }
}

async function subscribed(
  run: ClientRun,
  { manner, properties }: ConnectionPlan,
  filter: string,
  options: RrOptions,
): Promise<boolean> {
  const request = {
    filter,
    qos: options.qos,
    noLocal: false,
    retainAsPublished: options.retainAsPublished === true,
    retainHandling: options.retainHandling ?? (options.hideRetained === true ? 2 : 0),
  } as const
  const { reasonCodes } = await run.client.subscribe([request], properties.subscribe)
  const [code] = reasonCodes
  if (code === undefined || !isError(code)) return true
  run.fail(manner.responseDenied(filter, code))
  return false
}
