import type { ByteOutput } from "../byte-output.ts"
import type { ClientRun, OwnOptions } from "../client-run.ts"
import type { ConnectionPlan } from "../connection-options.ts"
import type { MessageFormat } from "../message-format.ts"
import { formatOf, type PrintingWay } from "../message-printer.ts"
import { CommandError, paint } from "../output.ts"
import { jsonLineFormat } from "./json-line.ts"
import { isForPeople, layoutFlag, type ShowOptions } from "./show-options.ts"
import type { Trial } from "./trial.ts"
import { Viewer } from "./viewer.ts"
import type { SubscribedOptions } from "./when-subscribed.ts"

/** Where messages go. */
export interface Display extends PrintingWay {
  /** Present when a person looks on. */
  readonly viewer: Viewer | undefined
}

/** @throws CommandError the options contradict each other */
export function displayOf(
  options: ShowOptions & SubscribedOptions,
  { manner }: ConnectionPlan,
  output: ByteOutput,
  filters: readonly string[],
  trial: Trial | undefined,
): Display {
  const flag = layoutFlag(options)
  if (options.json === true && flag !== undefined) {
    throw new CommandError(`--json and ${flag} exclude each other`)
  }
  if (trial !== undefined) {
    const format = trialFormat(options, manner.name, trial)
    return { format, isEnough: () => trial.expectations.isSettled, viewer: undefined }
  }
  if (options.json === true) return { format: jsonLineFormat, viewer: undefined }
  if (manner.name === "mosquitto" || !isForPeople(options)) {
    return { format: formatOf(options, manner.name), viewer: undefined }
  }
  const { stdout } = process
  const terminal = { columns: () => stdout.columns || 80, rows: () => stdout.rows || 24, paint }
  // What a command writes to the terminal would end up behind the line at the bottom.
  const hasLine = options.then === undefined
  const viewer = new Viewer(output, terminal, { full: options.full === true, filters, hasLine })
  return { format: viewer.show, viewer }
}

/** With expectations, messages are shown only where it was said how; the report has the rest. */
function trialFormat(
  options: ShowOptions,
  manner: ConnectionPlan["manner"]["name"],
  { expectations }: Trial,
): MessageFormat {
  const shows = layoutFlag(options) === undefined ? undefined : formatOf(options, manner)
  return (message, at, output) => {
    expectations.take(message, at)
    shows?.(message, at, output)
  }
}

/** Where there is a line at the bottom of the terminal, what went wrong is said above it. */
export function voiceOf(viewer: Viewer | undefined): Pick<OwnOptions, "say"> {
  return viewer !== undefined && process.stderr.isTTY ? { say: (line) => viewer.say(line.trimEnd()) } : {}
}

/** What happens when more is to be written than is taken: the client rests, or, where not all need be seen, the viewer. */
export function heed(output: ByteOutput, run: ClientRun, viewer: Viewer | undefined, full: boolean): void {
  const rests = viewer === undefined || full
  output.onFull = () => {
    viewer?.hold()
    if (rests) run.pause()
  }
  output.onDrained = () => {
    viewer?.release()
    if (rests) run.resume()
  }
  output.onBroken = (error) => {
    const sentence = `cannot write to standard output: ${error.message}`
    if (error.code !== "EPIPE") run.fail({ sentence, exitCode: 1 })
    void run.sayGoodbye()
  }
}
