import { Command, InvalidArgumentError } from "commander"
import type { RetainHandling } from "../src/protocol/packet.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { planConnection, withConnectionOptions } from "./connection-options.ts"
import { leaveInTime, wholeSeconds } from "./leave-in-time.ts"
import { ExitCode } from "./manner.ts"
import { MessagePrinter } from "./message-printer.ts"
import { collect, wholeNumber } from "./options.ts"
import { print } from "./output.ts"
import { withPrintOptions } from "./print-options.ts"
import { displayOf, heed, voiceOf } from "./sub/display.ts"
import { type ExpectOptions, withExpectOptions } from "./sub/expect-options.ts"
import { layoutFlag, type ShowOptions, withShowOptions } from "./sub/show-options.ts"
import { filtersOf, subscribe, type SubscribeOptions } from "./sub/subscribe.ts"
import { type Trial, trialOf } from "./sub/trial.ts"
import { type SubscribedOptions, WhenSubscribed } from "./sub/when-subscribed.ts"

interface SubOptions extends SubscribeOptions, ShowOptions, ExpectOptions, SubscribedOptions {
  readonly timeout?: number
}

/** bantam sub: what mosquitto_sub does, and more on a terminal and in a test. */
export function subCommand(): Command {
  const command = new Command("sub").description("subscribe and print messages")
  withPrintOptions(withConnectionOptions(command))
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
  return withExpectOptions(withShowOptions(command))
    .option("--ready-file <file>", "written once the subscriptions stand")
    .option("--then <command>", "what the shell is to run then; we fail as it fails")
    .addHelpText("after", examples)
    .action(sub)
}

const examples = `
Examples:
  bantam sub -t '#'                                    watch; in a pipe, payloads alone
  bantam sub -t lamp/+ -C 1 -W 5 -F '%I %t %q %p'
  bantam sub -t 'home/#' --json | jq -r '.json.temp'

  bantam sub --expect 'home/door=open' --within 30s
  bantam sub -t 'home/#' --expect-json '.temp > 20 and .unit == "C"' --then './heat.sh'
  bantam sub --expect-json 'home/+: .error exists' --none --within 10s
  bantam sub --expect a=1 --expect a=2 --in-order --ready-file /tmp/ready &

On a terminal messages are laid out for a person, unless one of -F, -v, -N, --pretty, -w, --json or -d says otherwise, and a
lost connection comes back. A condition is a path such as .a.b[0], then exists, or one of == != > >= < <= contains matches
and a JSON literal; conditions are joined by \`and\`. Each expectation has a message of its own.

Options that hold for each call: $XDG_CONFIG_HOME/bantam/sub, or ~/.config/bantam/sub, one a line.

Exit codes:
  0 done, 1 wrong command line, 7 connection lost, 14 server not reached, 27 timed out, ${ExitCode.notAsExpected} not as expected,
  from 128 the server's reason code; with --then, that of the command`

async function sub(options: SubOptions): Promise<void> {
  const plan = planConnection(options, { needs5: needs5Of(options), messages: options.count })
  const trial = trialOf(options)
  const filters = filtersOf(options, trial?.wanted.expectations ?? [])
  const output = standardOutput()
  const display = displayOf(options, plan, output, filters, trial)
  const { viewer } = display
  const printer = new MessagePrinter(options, plan.manner.name, output, display)
  const told = new WhenSubscribed(options)
  const run = new ClientRun(plan, options, output, {
    acknowledge: "manual",
    onMessage: (publish) => printer.take(publish, run),
    ...voiceOf(viewer),
  })
  heed(output, run, viewer, options.full === true)
  const work = async () => {
    viewer?.connected()
    if (!(await subscribe(run, plan, filters, options, trial !== undefined))) return
    trial?.begin()
    told.tell(filters)
    if ((await told.commandEnded()) !== 0 || options.exitAfterSubscribe === true) return
    await Promise.race([printer.over, ...(trial === undefined ? [] : [trial.decided()])])
  }
  const forget = leaveInTime(run, plan, options.timeout, (signal) => told.stop(signal))
  // Who keeps it open all day has it come back by itself.
  if (viewer !== undefined) await run.persist(work, (why) => viewer.lost(why))
  else if (plan.manner.name === "mosquitto") await run.persist(work)
  else await run.finish(work)
  printer.end()
  await endCommand(told, run)
  forget()
  viewer?.end()
  await output.drained()
  if (trial !== undefined && !hasFailed()) await report(trial, options)
}

/** The last message wanted may have come before the command of --then has ended. */
async function endCommand(told: WhenSubscribed, run: ClientRun): Promise<void> {
  if (hasFailed()) told.stop("SIGTERM")
  const exitCode = await told.commandEnded()
  if (exitCode === 0) return
  run.fail({ sentence: `the command of --then ended with exit code ${exitCode}`, exitCode })
}

async function report(trial: Trial, options: SubOptions): Promise<void> {
  const { text, exitCode } = trial.end(options.json === true)
  process.exitCode = exitCode
  // Where messages are printed, standard output is theirs.
  if (layoutFlag(options) === undefined) await print(text)
  else if (exitCode !== 0) process.stderr.write(text)
}

function hasFailed(): boolean {
  return Number(process.exitCode ?? 0) !== 0
}

function needs5Of({ retainAsPublished, retainHandling }: SubOptions): string | undefined {
  if (retainAsPublished === true) return "--retain-as-published"
  return retainHandling === undefined ? undefined : "--retain-handling"
}

function percentage(text: string): number {
  const percent = Number(text)
  if (text !== "" && percent >= 0.1 && percent <= 100) return percent
  throw new InvalidArgumentError("It must be a number from 0.1 to 100.")
}

export function retainHandling(text: string): RetainHandling {
  const values = new Map<string, RetainHandling>([
    ["always", 0],
    ["new", 1],
    ["never", 2],
  ])
  const value = values.get(text)
  if (value === undefined) throw new InvalidArgumentError("It must be always, new or never.")
  return value
}
