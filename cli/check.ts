import { Argument, Command, InvalidArgumentError, Option } from "commander"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { brokerUrl } from "./broker-url.ts"
import {
  type Finding,
  latencyOf,
  ProbeRefused,
  limitsOf,
  probeAll,
  type ProbeName,
  probeNames,
} from "./check/probes.ts"
import { type Credentials, Visit } from "./check/visit.ts"
import { type PasswordOptions, passwordOf } from "./connection-options.ts"
import { CommandError, paint, print, table } from "./output.ts"
import { planSaved } from "./saved/plan-connection.ts"

interface CheckOptions extends PasswordOptions {
  readonly to?: string
  readonly username?: string
  readonly cafile?: string
  readonly insecure?: true
  readonly require?: readonly ProbeName[]
  readonly quick?: true
  readonly json?: true
}

/** bantam check */
export function checkCommand(): Command {
  return new Command("check")
    .description("look at any broker: does it answer, and what can it do")
    .addArgument(
      new Argument("[url]", "mqtt[s]://, ws[s]://HOST:PORT or unix:///PATH")
        .argParser(brokerUrl)
        .default({ scheme: "tcp", host: "localhost", port: 1883 }, "mqtt://localhost:1883"),
    )
    .option("--to <name>", "a saved connection in the place of a URL: bantam connect")
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password; others on the machine see it while we run")
    .option("--password-file <file>", "password: what the file holds, up to its last newline")
    .option("--cafile <file>", "who may have signed its certificate")
    .option("--insecure", "take any certificate")
    .addOption(
      new Option("--require <names>", "what it must be able to do, with commas between").argParser(names),
    )
    .option("--quick", "let one client in and out, and no more: a health check")
    .option("--json", "one JSON object")
    .addHelpText(
      "after",
      `
Looks for ${probeNames.join(", ")}.

Examples:
  bantam check                                          this machine, port 1883
  bantam check mqtts://broker.example.org --cafile ca.pem
  bantam check --require qos-2,shared-subscriptions mqtt://localhost:1884
  bantam check --quick                                  in a HEALTHCHECK
  bantam check --to home                                a saved connection

Its topics begin with bantam-check; nothing of them stays.

Exit codes:
  0 it answers and has what is required, 1 it cannot be reached, does not let us in, or lacks something`,
    )
    .action(async (target: ConnectTarget, options: CheckOptions, command: Command) => {
      if (options.to !== undefined && command.args.length > 0) {
        throw new CommandError("a URL and --to exclude each other")
      }
      process.exitCode = await check(await planOf(target, options), options)
    })
}

async function check(plan: CheckPlan, options: CheckOptions): Promise<number> {
  const { require: required = [], quick, json } = options
  await using visit = new Visit(plan.target, plan.credentials)
  const beganAt = performance.now()
  await visit.open(4).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message.replace(/\.$/, "") : String(error))
  })
  const connectMs = performance.now() - beganAt
  if (quick === true) {
    await print(
      json === true ? `${JSON.stringify({ connectMs })}\n` : `it answers, in ${connectMs.toFixed(1)} ms\n`,
    )
    return 0
  }
  const findings = await probeAll(visit)
  const speaks5 = findings.some(({ probe, found }) => probe === "mqtt-5" && found)
  const limits = speaks5 ? await limitsOf(visit) : {}
  const latencyMs = await latencyOf(visit).catch((error: unknown) => {
    if (error instanceof ProbeRefused) return undefined
    throw error
  })
  await print(
    json === true
      ? `${JSON.stringify({ connectMs, latencyMs: latencyMs ?? null, limits, findings })}\n`
      : told(findings, required, limits, latencyMs),
  )
  const lacks = findings.filter(({ probe, found }) => required.includes(probe) && !found)
  return lacks.length === 0 ? 0 : 1
}

function told(
  findings: readonly Finding[],
  required: readonly ProbeName[],
  limits: Readonly<Record<string, number>>,
  latencyMs: number | undefined,
): string {
  const rows = findings.map(({ probe, found, detail }) => {
    const verdict = found
      ? paint.green("yes")
      : required.includes(probe)
        ? paint.red("NO")
        : paint.yellow("no")
    return [verdict, probe, detail]
  })
  const facts = Object.entries(limits).map(([name, value]) => ["", name, String(value)])
  return table([
    ["", "WHAT", "SEEN"],
    ...rows,
    ...facts,
    ["", "round trip", latencyMs === undefined ? "refused" : `${latencyMs.toFixed(2)} ms at QoS 1`],
  ])
}

interface CheckPlan {
  readonly target: ConnectTarget
  readonly credentials: Credentials
}

/** Options go before what is saved; with another user, its password is not the saved one. */
async function planOf(given: ConnectTarget, options: CheckOptions): Promise<CheckPlan> {
  const saved = options.to === undefined ? undefined : await planSaved(options.to)
  const password =
    passwordOf(options) ?? (options.username === undefined ? saved?.client.password : undefined)
  return {
    target: withTls(saved?.target ?? given, options),
    credentials: { username: options.username ?? saved?.client.username, password },
  }
}

function withTls(target: ConnectTarget, { cafile, insecure }: CheckOptions): ConnectTarget {
  if (target.scheme !== "tls" && target.scheme !== "wss") return target
  const given = {
    ...(cafile === undefined ? {} : { caFile: cafile }),
    ...(insecure === true ? { insecure } : {}),
  }
  return { ...target, tls: { ...target.tls, ...given } }
}

function names(text: string): readonly ProbeName[] {
  return text.split(",").map((word) => {
    const name = probeNames.find((each) => each === word.trim())
    if (name === undefined) throw new InvalidArgumentError(`It must name some of ${probeNames.join(", ")}.`)
    return name
  })
}
