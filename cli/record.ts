import { Command, InvalidArgumentError } from "commander"
import { systemClock } from "../src/foundation/clock.ts"
import type { ProtocolVersion, Publish } from "../src/protocol/packet.ts"
import { targetUrl } from "../src/transport/connect.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { type ConnectionOptions, planConnection, withConnectionOptions } from "./connection-options.ts"
import { parseDuration } from "./duration.ts"
import { leaveInTime } from "./leave-in-time.ts"
import { collect, wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { ProgressLine, showsProgress } from "./progress-line.ts"
import { counted, lasting } from "./quantities.ts"
import { Recorder } from "./recording/recorder.ts"
import { RecordingFile } from "./recording/recording-file.ts"
import { subscribeForRecording, wasStored } from "./recording/subscriptions.ts"
import { checkFilter } from "./sub/subscribe.ts"

interface RecordOptions extends ConnectionOptions {
  readonly topic?: readonly string[]
  readonly count?: number
  /** In milliseconds. */
  readonly for?: number
  readonly force?: true
  readonly append?: true
  readonly stored: boolean
}

/** bantam record */
export function recordCommand(): Command {
  const command = new Command("record")
    .description("write messages to a file, with their times, for bantam replay")
    .argument("<file>", "the recording, lines of JSON; - is standard output")
  return withConnectionOptions(command, { qosIs: "the most to ask for", qos: 2 })
    .option("-t, --topic <filter>", "what to record; repeatable (default: #)", collect)
    .option("-C, --count <count>", "end after so many messages", wholeNumber(1, 0xffff_ffff))
    .option("--for <time>", "end after 10s, 5m, 1h ...", whileMs)
    .option("--no-stored", "leave out what was retained before")
    .option("--append", "to a recording that is there")
    .option("--force", "overwrite a file that is there")
    .addHelpText("after", examples)
    .action(record)
}

const examples = `
Until Ctrl-C, --count or --for. Messages are in the file as they come, so that it is complete up to the last one when we
are killed. MQTT 5 unless -V says otherwise: before it, neither properties nor the retain flags of new messages are told.

Examples:
  bantam record monday.jsonl
  bantam record door.jsonl -t 'home/door/#' -t 'home/alarm' --for 10m
  bantam record - -t 'home/#' | jq -r .topic

Options that hold for each call: $XDG_CONFIG_HOME/bantam/record, or ~/.config/bantam/record, one a line.

Exit codes:
  0 done, 1 wrong command line, or the file takes no more, 7 connection lost, 14 server not reached,
  from 128 the server's reason code`

async function record(file: string, options: RecordOptions): Promise<void> {
  const { topic: filters = ["#"], force, append, count = Number.POSITIVE_INFINITY } = options
  for (const filter of filters) checkFilter("-t", filter)
  if (force === true && append === true) throw new CommandError("--force and --append exclude each other")
  if (file === "-" && options.debug === true) {
    throw new CommandError("-d prints to standard output, where the recording goes: name a file")
  }
  const plan = planConnection(options, { defaultVersion: 5 })
  const target = new RecordingFile(file, force === true ? "overwrite" : append === true ? "append" : "refuse")
  const recorder = new Recorder(target.output, count)
  const packets = standardOutput()
  const run = new ClientRun(plan, options, packets, {
    acknowledge: "manual",
    onMessage: (publish) => {
      begin()
      take(publish, recorder, run, plan.client.version, options.stored)
    },
    say: (line) => progress.above(line),
  })
  const course: { at: "beginning" | "recording" | "broken" } = { at: "beginning" }
  target.output.onFull = () => run.pause()
  target.output.onDrained = () => run.resume()
  target.output.onBroken = (error) => {
    course.at = "broken"
    const sentence = `${file}: ${error.message}; the recording ends here, and what it holds can be replayed`
    if (error.code !== "EPIPE") run.fail({ sentence, exitCode: 1 })
    void run.sayGoodbye()
  }
  // A session that is there already may send before we have asked for anything.
  const begin = () => {
    if (recorder.hasBegun) return
    target.open()
    recorder.begin({ url: targetUrl(plan.target), filters })
  }
  const progress = progressOf(file, recorder, showsProgress(options))
  const forget = leaveInTime(run, plan, undefined)
  await run.finish(async () => {
    begin()
    if (!(await subscribeForRecording(run, plan, filters, options))) return target.abandon()
    course.at = "recording"
    if (options.for !== undefined)
      systemClock.at(systemClock.now() + options.for, () => void run.sayGoodbye())
    await run.client.ended
  })
  forget()
  const { lastedMs } = recorder
  recorder.end()
  await target.close()
  progress.end()
  if (course.at === "recording")
    run.warn(`recorded ${counted(recorder.count, "message")} in ${lasting(lastedMs)}`)
  await packets.drained()
}

/** What comes when it has all that it wants is not acknowledged: it stays with the server, should the session. */
function take(
  publish: Publish,
  recorder: Recorder,
  run: ClientRun,
  version: ProtocolVersion,
  takesStored: boolean,
): void {
  if (recorder.isFull) return
  run.client.acknowledge(publish)
  const isStored = wasStored(publish, version)
  if (isStored && !takesStored) return
  recorder.take(publish, isStored)
  if (recorder.isFull) void run.sayGoodbye()
}

function progressOf(file: string, recorder: Recorder, wanted: boolean): ProgressLine {
  // On a terminal the messages themselves show how far it is.
  const isSeen = file === "-" && process.stdout.isTTY === true
  const parts = (perSecond: string) => [
    `${counted(recorder.count, "message")} in ${file === "-" ? "the recording" : file}`,
    perSecond,
    lasting(recorder.lastedMs),
    "Ctrl-C ends it",
  ]
  return new ProgressLine(() => recorder.count, parts, wanted && !isSeen)
}

function whileMs(text: string): number {
  const ms = parseDuration(text) ?? 0
  if (ms > 0) return ms
  throw new InvalidArgumentError("It must be a time, such as 10s, 5m or 1h.")
}
