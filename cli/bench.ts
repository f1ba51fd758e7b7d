import { Argument, Command } from "commander"
import { type Comparison, compare, comparisonText } from "./bench/comparison.ts"
import { type Findings, isFailure } from "./bench/findings.ts"
import { interruption } from "./bench/interruption.ts"
import { planOf } from "./bench/make-plan.ts"
import { type BenchOptions, withBenchOptions } from "./bench/options.ts"
import { type Plan, type Server, type Shape, shapes } from "./bench/plan.ts"
import { ProgressLine } from "./bench/progress-line.ts"
import { unmet } from "./bench/requirements.ts"
import { run } from "./bench/run.ts"
import { parseServerOption, serverOf } from "./bench/server.ts"
import { type ConnectionUrl, connectionUrl } from "./connection-url.ts"
import { summary } from "./bench/summary.ts"
import type { Watch } from "./bench/watch.ts"
import { maximumOpenFiles, reservedFiles } from "./file-limit.ts"
import { CommandError, complain, print } from "./output.ts"

const descriptions: Readonly<Record<Shape, string>> = {
  pub: "publish to topics that nobody need listen to",
  sub: "subscribers, fed at a steady rate",
  fanout: "one publisher, many subscribers of the same topic",
  fanin: "many publishers, one subscriber, or a group that shares",
  conn: "connect and disconnect",
  offline: "queue messages for clients that are away, and fetch them",
}

/** bantam bench */
export function benchCommand(): Command {
  const command = new Command("bench").description("put a load on any broker and measure it").addHelpText(
    "after",
    `
Examples:
  bantam bench pub -q 1 --publishers 50                     as fast as the acknowledgements come
  bantam bench fanout --subscribers 500 --rate 100 --for 1m mqtt://broker:1883
  bantam bench fanin --share --subscribers 4 -q 1 --json
  bantam bench conn --clients 50                            connections a second
  bantam bench offline --subscribers 200 --count 100000      how fast queues fill and drain
  bantam bench pub -q 1 --compare mqtt://other:1883         better, worse, or no difference
  bantam bench sub --rate 5000 --require 'p99<10ms'         for CI

Each ends by itself, or with Ctrl-C, and says what it measured. Nothing stays in the broker.

Exit codes:
  0 done; 1 something was lost, doubled or out of order above QoS 0, refused or not answered, a connection was lost, a
  bound of --require did not hold, or nothing could be measured`,
  )
  for (const shape of shapes) command.addCommand(shapeCommand(shape))
  return command
}

const examples: Readonly<Record<Shape, readonly string[]>> = {
  pub: [
    "bantam bench pub -q 1",
    "bantam bench pub -q 1 --rate 20000 --for 1m mqtts://broker.example.org --cafile ca.pem",
  ],
  sub: ["bantam bench sub --subscribers 1000 --rate 5000", "bantam bench sub --subscribers 100 --topics 10"],
  fanout: ["bantam bench fanout --subscribers 500", "bantam bench fanout -q 1 --rate 100 --for 1m"],
  fanin: ["bantam bench fanin --publishers 200", "bantam bench fanin --share --subscribers 4 -q 1"],
  conn: ["bantam bench conn --clients 50", "bantam bench conn --rate 200 --for 30s"],
  offline: ["bantam bench offline", "bantam bench offline --subscribers 100 --count 100000 -q 2"],
}

function shapeCommand(shape: Shape): Command {
  const command = new Command(shape)
    .description(descriptions[shape])
    .addArgument(
      new Argument(
        "[url]",
        "mqtt[s]://, ws[s]://[USER[:PASSWORD]@]HOST[:PORT] or unix:///PATH; otherwise -h and -p",
      ).argParser(connectionUrl),
    )
  return withBenchOptions(command, shape)
    .addHelpText("after", `\nExamples:\n${examples[shape].map((line) => `  ${line}`).join("\n")}`)
    .action(async (url: ConnectionUrl | undefined, options: BenchOptions) => {
      process.exitCode = await bench(shape, url, options)
    })
}

async function bench(shape: Shape, url: ConnectionUrl | undefined, options: BenchOptions): Promise<number> {
  const { host, port, unix, url: option } = options
  if (url !== undefined && [host, port, unix, option].some((each) => each !== undefined)) {
    throw new CommandError("the address stands there twice: leave out -h, -p, --unix and -L, or the URL")
  }
  const named = option === undefined ? undefined : parseServerOption(option)
  const plan = planOf(shape, { ...named, ...options })
  checkOpenFiles(plan)
  const server = await serverOf(url ?? named?.server, options)
  const other = options.compare === undefined ? undefined : await serverOf(options.compare, options)
  const progress = new ProgressLine()
  const watch = { show: progress.show.bind(progress), interrupted: interruption() }
  try {
    if (other === undefined) return await once(server, plan, watch, progress, options)
    return await byTurns(server, other, plan, watch, progress, options)
  } finally {
    progress.end()
  }
}

async function once(
  server: Server,
  plan: Plan,
  watch: Watch,
  progress: ProgressLine,
  { json, require: requirements = [] }: BenchOptions,
): Promise<number> {
  const findings = await run(server, plan, watch)
  progress.end()
  await print(json === true ? `${JSON.stringify(findings)}\n` : summary(findings, columns(), isPlain()))
  const failures = unmet(requirements, findings)
  for (const failure of failures) complain(failure)
  return isFailure(findings) || failures.length > 0 ? 1 : 0
}

/** A B B A …: what changes on the machine meanwhile changes both. */
async function byTurns(
  a: Server,
  b: Server,
  plan: Plan,
  watch: Watch,
  progress: ProgressLine,
  { json, rounds }: BenchOptions,
): Promise<number> {
  const findings: Record<"A" | "B", Findings[]> = { A: [], B: [] }
  const turns = Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? "AB" : "BA")).join("")
  let isInterrupted = false
  for (const [turn, letter] of [...turns].entries()) {
    const side = letter === "A" ? "A" : "B"
    progress.title = `${side} ${Math.floor(turn / 2) + 1}/${rounds}`
    const found = await run(side === "A" ? a : b, plan, watch)
    // One that was not played to its end is none to compare with.
    isInterrupted = found.ended === "interrupted"
    if (isInterrupted) break
    findings[side].push(found)
  }
  progress.end()
  const comparison: Comparison = compare(findings.A, findings.B)
  await print(json === true ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison, columns()))
  if (isInterrupted) complain("ended early by you: only whole rounds count")
  const hasNone = findings.A.length === 0 || findings.B.length === 0
  return hasNone || [...findings.A, ...findings.B].some(isFailure) ? 1 : 0
}

function checkOpenFiles({ publishers, subscribers, inFlight, shape }: Plan): void {
  const clients = shape === "conn" ? inFlight : publishers + subscribers
  const room = maximumOpenFiles() - reservedFiles
  if (clients <= room) return
  throw new CommandError(
    `${clients} clients need as many open files, and there is room for ${room}: raise ulimit -n`,
  )
}

function columns(): number {
  return process.stdout.columns ?? 80
}

function isPlain(): boolean {
  return process.env["TERM"] === "dumb"
}
