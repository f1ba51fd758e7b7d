import { Command, InvalidArgumentError } from "commander"
import { parseTopicFilter, parseTopicName, type TopicFilter, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { type ConnectionOptions, planConnection, withConnectionOptions } from "./connection-options.ts"
import { parseDuration } from "./duration.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { ProgressLine, showsProgress } from "./progress-line.ts"
import { Publisher } from "./publisher.ts"
import { publishUntilInterrupted } from "./publishing.ts"
import { counted, lasting } from "./quantities.ts"
import { type Playing, playRecording } from "./recording/play-recording.ts"
import { Schedule } from "./schedule.ts"

interface ReplayOptions extends ConnectionOptions {
  readonly topic?: readonly string[]
  readonly speed: number
  /** True: for ever. */
  readonly loop?: true | number
  readonly topicPrefix?: string
  /** Both in milliseconds. */
  readonly from?: number
  readonly until?: number
}

/** bantam replay */
export function replayCommand(): Command {
  const command = new Command("replay")
    .description("publish what bantam record wrote down, as it came")
    .argument("<file>", "the recording; - is standard input")
  return withConnectionOptions(command, { qosIs: "publish at no higher one", qos: 2 })
    .option("-t, --topic <filter>", "only what was recorded on these topics; repeatable", collect)
    .option("--topic-prefix <text>", "put this before each topic, such as test/", topicPrefix)
    .option("--speed <factor>", "2x is twice as fast, max as fast as the server takes it", speed, 1)
    .option("--from <time>", "begin so long after the recording began", offsetMs)
    .option("--until <time>", "end so long after the recording began", offsetMs)
    .option(
      "--loop [count]",
      "from the beginning again, so often or until Ctrl-C",
      wholeNumber(1, 0xffff_ffff),
    )
    .addHelpText("after", examples)
    .action(replay)
}

const examples = `
Each message is published when it is due by the times in the recording, with its QoS, retain flag, properties and payload.
A server that is slow delays what it delays; what is due later keeps its own time. MQTT 5 unless -V says otherwise.

Examples:
  bantam replay monday.jsonl
  bantam replay monday.jsonl --speed 10x --topic-prefix test/ -t 'home/#'
  bantam replay door.jsonl --loop --from 10s --until 1m

Options that hold for each call: $XDG_CONFIG_HOME/bantam/replay, or ~/.config/bantam/replay, one a line.

Exit codes:
  0 the server has everything, 1 wrong command line or recording, 7 connection lost, 14 server not reached,
  from 128 the server's reason code, of the CONNACK or of the first publish that it refused;
  130 when Ctrl-C came before the end, which --loop alone does not have`

async function replay(file: string, options: ReplayOptions): Promise<void> {
  const playing = playingOf(options)
  if (file === "-" && playing.rounds > 1)
    throw new CommandError("standard input cannot be read again: leave out --loop")
  const plan = planConnection(options, { defaultVersion: 5 })
  const packets = standardOutput()
  const run = new ClientRun(plan, options, packets, { say: (line) => progress.above(line) })
  const publisher = new Publisher(run, plan.manner)
  const schedule = new Schedule()
  const progress = progressOf(publisher, schedule, showsProgress(options))
  const tellTorn = (place: string) =>
    run.warn(`${place}: the line was not written to its end, and is left out`)
  const signalCode = await publishUntilInterrupted(run, publisher, true, (isOver) =>
    playRecording(file, playing, schedule, publisher, isOver, tellTorn),
  )
  progress.end()
  if (publisher.count > 0) run.warn(toldOf(publisher, schedule, playing.speed))
  if (signalCode !== undefined && playing.rounds !== Number.POSITIVE_INFINITY) process.exitCode ||= signalCode
  await packets.drained()
}

function playingOf({
  topic,
  topicPrefix: prefix = "",
  speed: factor,
  loop,
  qos,
  from,
  until,
}: ReplayOptions): Playing {
  const fromMs = from ?? 0
  const untilMs = until ?? Number.POSITIVE_INFINITY
  if (fromMs >= untilMs) throw new CommandError("--from must be before --until")
  return {
    speed: factor,
    rounds: loop === true ? Number.POSITIVE_INFINITY : (loop ?? 1),
    filters: (topic ?? []).map(filterOf),
    topicPrefix: prefix,
    highestQos: qos,
    fromMs,
    untilMs,
  }
}

/** Such as `replayed 1,234 messages in 10.0 s, at most 3 ms late, 2 refused`. */
function toldOf(publisher: Publisher, schedule: Schedule, factor: number): string {
  const late = factor === Number.POSITIVE_INFINITY ? "" : `, at most ${lateness(schedule)} late`
  const refused = publisher.refusals === 0 ? "" : `, ${publisher.refusals} refused`
  return `replayed ${counted(publisher.count, "message")} in ${lasting(schedule.lastedMs)}${late}${refused}`
}

function progressOf(publisher: Publisher, schedule: Schedule, wanted: boolean): ProgressLine {
  const parts = (perSecond: string) => [
    `${counted(publisher.count, "message")} replayed`,
    perSecond,
    lasting(schedule.lastedMs),
    ...(publisher.refusals > 0 ? [`${publisher.refusals} refused`] : []),
    `at most ${lateness(schedule)} late`,
  ]
  return new ProgressLine(() => publisher.count, parts, wanted)
}

function lateness({ worstLatenessMs }: Schedule): string {
  return worstLatenessMs < 1000 ? `${Math.ceil(worstLatenessMs)} ms` : lasting(worstLatenessMs)
}

function filterOf(text: string): TopicFilter {
  const filter = parseTopicFilter(text, wireTopicLimits)
  if (filter !== undefined) return filter
  throw new CommandError(`-t ${text}: in a topic filter + fills a whole level, and # the last one`)
}

function topicPrefix(text: string): string {
  if (parseTopicName(text, wireTopicLimits) !== undefined) return text
  throw new InvalidArgumentError("It must be the beginning of a topic, without + and #.")
}

function speed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY
  const factor = Number(/^(\d+(?:\.\d+)?)x?$/.exec(text)?.[1] ?? 0)
  if (factor > 0) return factor
  throw new InvalidArgumentError("It must be a factor, such as 2x or 0.5x, or max.")
}

function offsetMs(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError("It must be a time, such as 500ms, 10s or 5m.")
}
