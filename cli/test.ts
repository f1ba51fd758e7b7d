import { writeFileSync } from "node:fs"
import { Command, Option } from "commander"
import type { startBroker } from "../src/index.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { brokerUrl } from "./broker-url.ts"
import { wholeNumber } from "./options.ts"
import { print } from "./output.ts"
import { failureOf, type ScenarioOutcome } from "./scenario/outcome.ts"
import { play } from "./scenario/player.ts"
import { readScenarios } from "./scenario/read-scenario.ts"
import { reportNames, type ReportName, reportOf } from "./scenario/reports.ts"
import type { Scenario } from "./scenario/scenario.ts"
import { elsewhere, ownStage, whyNotElsewhere } from "./scenario/stage.ts"

interface TestOptions {
  readonly url?: ConnectTarget
  readonly report: ReportName
  readonly reportFile?: string
  readonly jobs: number
}

/** bantam test */
export function testCommand(): Command {
  return new Command("test")
    .description("play scenarios of MQTT clients and say what was not as expected")
    .argument("<file...>", "YAML files, each a scenario")
    .option(
      "--url <url>",
      "mqtt[s]://, ws[s]://HOST:PORT of a broker that runs; otherwise each has its own",
      brokerUrl,
    )
    .addOption(new Option("--report <kind>", "how it is told").choices(reportNames).default("pretty"))
    .option("--report-file <file>", "tell it there; standard output gets the pretty one")
    .option("-j, --jobs <number>", "scenarios at a time", wholeNumber(1, 64), 4)
    .addHelpText(
      "after",
      `
A scenario is a list of steps, each of them one of these, with what may stand beside it:
  connect: NAME      id, version (5, 3.1.1, 3.1), clean, session_expiry, keep_alive, receive_maximum, username,
                     password, will {topic, payload, qos, retain, delay, properties}, session (new, present), refused
  subscribe: NAME    to, qos, no_local, retain_as_published, retained (always, if-new, never), granted, refused
  unsubscribe: NAME  from
  publish: NAME      topic, payload | json | hex | file, qos, retain, count, expiry, properties, refused
  expect: NAME       topic, payload | json | hex | file | matches, qos, retain, properties, count, within (5s)
  nothing: NAME      topic, for (200ms)
  ended: NAME        reason, within (5s)
  disconnect: NAME   will
  drop: NAME         without a farewell
  restart: broker    advance: 1h    wait: 1s

  name: a retained message outlives its broker
  steps:
    - connect: sensor
    - publish: sensor
      topic: home/door
      payload: open
      qos: 1
      retain: true
    - restart: broker
    - connect: wall
    - subscribe: wall
      to: home/#
    - expect: wall
      payload: open
      retain: true

Examples:
  bantam test scenarios/*.yaml
  bantam test door.yaml --url mqtt://localhost:1883
  bantam test scenarios/*.yaml --report junit --report-file results.xml

Restart, advance and settings need a broker of our own: with --url such a scenario is skipped.

Exit codes:
  0 all was as expected, 1 something was not, or nothing could be played`,
    )
    .action(async (files: readonly string[], options: TestOptions) => {
      const { startBroker } = await import("../src/index.ts")
      process.exitCode = await test(files, options, startBroker)
    })
}

async function test(
  files: readonly string[],
  { url, report, reportFile, jobs }: TestOptions,
  start: typeof startBroker,
): Promise<number> {
  // What is wrong with a file is said before anything is played.
  const scenarios = readScenarios(files)
  const outcomes: ScenarioOutcome[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < scenarios.length; index = next++) {
      const scenario = scenarios[index]
      if (scenario !== undefined) outcomes[index] = await outcomeOf(scenario, url, start)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  if (reportFile === undefined) await print(reportOf(report, outcomes))
  else {
    writeFileSync(reportFile, reportOf(report, outcomes))
    await print(reportOf("pretty", outcomes))
  }
  const allSkipped = outcomes.every(({ skipped }) => skipped !== undefined)
  return allSkipped || outcomes.some((outcome) => failureOf(outcome) !== undefined) ? 1 : 0
}

async function outcomeOf(
  scenario: Scenario,
  url: ConnectTarget | undefined,
  start: typeof startBroker,
): Promise<ScenarioOutcome> {
  const { file, name } = scenario
  const skipped = url === undefined ? undefined : whyNotElsewhere(scenario)
  if (skipped !== undefined) return { file, name, seconds: 0, steps: [], skipped }
  try {
    await using stage = url === undefined ? await ownStage(scenario, start) : elsewhere(url)
    return await play(scenario, stage)
  } catch (error) {
    // The others are to be told of all the same.
    const got = error instanceof Error ? error.message : String(error)
    const step = { number: 0, text: "begin", seconds: 0, result: { expected: "a broker to play with", got } }
    return { file, name, seconds: 0, steps: [step] }
  }
}
