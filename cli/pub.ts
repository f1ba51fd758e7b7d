import { Command, InvalidArgumentError } from "commander"
import { parseTopicName, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { type ConnectionOptions, planConnection, withConnectionOptions } from "./connection-options.ts"
import { parseDuration } from "./duration.ts"
import { publishUntilInterrupted } from "./publishing.ts"
import { wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { type PayloadOptions, withPayloadOptions } from "./payload-options.ts"
import { ProgressLine, showsProgress } from "./progress-line.ts"
import { Composer } from "./pub/composer.ts"
import { publishRows } from "./pub/publish-rows.ts"
import { givenPayload, openSource, type SourceOptions } from "./pub/source.ts"
import { Publisher } from "./publisher.ts"
import { counted, lasting } from "./quantities.ts"
import { Schedule } from "./schedule.ts"

interface PubOptions extends ConnectionOptions, PayloadOptions, SourceOptions {
  readonly topic?: string
  readonly retain?: true
}

/** bantam pub: what mosquitto_pub does, but a publish that the server refuses is not a success. */
export function pubCommand(): Command {
  const command = new Command("pub").description("publish messages")
  return withPayloadOptions(withConnectionOptions(command))
    .option("-t, --topic <topic>", "topic to publish to")
    .option("-l, --stdin-line", "one message for each line of standard input")
    .option(
      "--csv <file>",
      "one for each row, by its columns topic, payload, qos and retain; - is standard input",
    )
    .option("--jsonl <file>", "one for each line, an object as sub --json prints it; - is standard input")
    .option("-r, --retain", "the server keeps the message for later subscribers")
    .option("--repeat <count>", "publish so many times (default: 1)", wholeNumber(1, 0xffff_ffff))
    .option("--repeat-delay <seconds>", "wait so long in between, fractions too", delaySeconds, 0)
    .option("--every <time>", "a message each 500ms, 1s, 5m ...; the same until --repeat or Ctrl-C", everyMs)
    .option("--rate <number>", "so many messages a second; otherwise as --every", intervalOfRate)
    .option("--template", "fill what stands in {{ }} in topic and payload: see below")
    .addHelpText("after", examples)
    .action(pub)
}

const examples = `
What --template fills in:
  {{n}}                   1, 2, 3 ...
  {{now}}                 2026-01-31T12:00:00.000Z; {{now unix}} seconds, {{now ms}} milliseconds
  {{uuid}}                a new one each time
  {{random 0 100}}        a number, both bounds included; {{random 18.0 24.5}} with digits behind the point
  {{pick on off}}         one of the words
  {{COLUMN}}              with --csv; {{KEY}} or {{KEY.KEY}} with --jsonl, {{line}} with -l
  \\{{                     two braces

Examples:
  bantam pub -t lamp/1 -m on -q 1 -r
  tail -f app.log | bantam pub -t log -l
  bantam pub --every 1s --template -t 'sensor/{{random 1 9}}' -m '{"celsius":{{random 18.0 24.5}},"at":"{{now}}"}'
  bantam pub --csv devices.csv --rate 50 --template -t 'device/{{id}}/name' -m '{{name}}' -r
  bantam sub -t '#' --json | bantam pub -h other.example.org --jsonl -

Exit codes:
  0 the server has everything, 1 wrong command line or input, 7 connection lost, 14 server not reached,
  from 128 the server's reason code, of the CONNACK or of the first publish that it refused;
  130 when Ctrl-C came before the end`

async function pub(options: PubOptions): Promise<void> {
  const { csv, jsonl, template, topic, qos } = options
  const isTemplate = template === true
  if (topic === undefined ? (csv ?? jsonl) === undefined : !isTemplate) publishTopicOf(topic)
  // Objects may bring properties along.
  const plan = planConnection(options, jsonl === undefined ? {} : { defaultVersion: 5 })
  const { manner, properties } = plan
  const payload = await givenPayload(options, manner.name)
  const composer = new Composer({
    topic,
    payload,
    qos,
    retain: options.retain === true,
    properties: properties.publish,
    isTemplate,
  })
  const source = await openSource(options, composer, payload !== undefined)
  const output = standardOutput()
  const run = new ClientRun(plan, options, output, { say: (line) => progress.above(line) })
  const publisher = new Publisher(run, manner)
  const beganMs = performance.now()
  const isOurs = manner.name === "bantam"
  const progress = progressOf(publisher, isOurs && showsProgress(options) && !isTypedIn(options))
  const signalCode = await publishUntilInterrupted(run, publisher, isOurs, (isOver) =>
    publishRows(source, composer, new Schedule(), publisher, isOver),
  )
  if (progress.end()) {
    const refused = publisher.refusals === 0 ? "" : `, ${publisher.refusals} refused`
    const took = lasting(performance.now() - beganMs)
    run.warn(`published ${counted(publisher.count, "message")} in ${took}${refused}`)
  }
  if (signalCode !== undefined && !source.isEndless) process.exitCode ||= signalCode
  await output.drained()
}

function progressOf(publisher: Publisher, wanted: boolean): ProgressLine {
  const parts = (perSecond: string) => [
    `${counted(publisher.count, "message")} published`,
    perSecond,
    ...(publisher.refusals > 0 ? [`${publisher.refusals} refused`] : []),
    ...(publisher.unanswered > 0 ? [`${publisher.unanswered} not answered yet`] : []),
  ]
  return new ProgressLine(() => publisher.count, parts, wanted)
}

/** A line that moves would stand between what a person types. */
function isTypedIn({ stdinLine, csv, jsonl }: SourceOptions): boolean {
  return process.stdin.isTTY === true && (stdinLine === true || csv === "-" || jsonl === "-")
}

/** @throws CommandError */
export function publishTopicOf(topic: string | undefined): string {
  if (topic === undefined) throw new CommandError("no topic: add -t TOPIC")
  if (parseTopicName(topic, wireTopicLimits) === undefined) {
    throw new CommandError(`-t ${topic}: a topic to publish to is not empty and holds neither + nor #`)
  }
  return topic
}

function delaySeconds(text: string): number {
  const seconds = Number(text)
  // A timer beyond 2^31-1 ms would fire at once.
  if (text !== "" && seconds >= 0 && seconds <= 2_000_000) return seconds
  throw new InvalidArgumentError("It must be a number of seconds from 0 to 2000000.")
}

function everyMs(text: string): number {
  const ms = parseDuration(text) ?? 0
  if (ms > 0) return ms
  throw new InvalidArgumentError("It must be a time, such as 500ms, 1s, 5m or 1h.")
}

/** @returns the milliseconds from one message to the next */
function intervalOfRate(text: string): number {
  const perSecond = Number(text)
  if (perSecond > 0 && perSecond <= 1_000_000) return 1000 / perSecond
  throw new InvalidArgumentError("It must be a number of messages a second, such as 100 or 0.5.")
}
