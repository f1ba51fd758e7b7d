import { Argument, Command, InvalidArgumentError, Option } from "commander"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { brokerUrl } from "./broker-url.ts"
import { type Finding, latencyOf, limitsOf, probeAll, type ProbeName, probeNames } from "./check/probes.ts"
import { Visit } from "./check/visit.ts"
import { CommandError, paint, print, table } from "./output.ts"

interface CheckOptions {
  readonly username?: string
  readonly pw?: string
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
    .option("-u, --username <name>", "user name")
    .option("-P, --pw <password>", "password")
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

Exits with 1 when the broker cannot be reached, lets us not in, or lacks what is required. Its topics begin with
bantam-check; nothing of them stays.`,
    )
    .action(async (target: ConnectTarget, options: CheckOptions) => {
      process.exitCode = await check(target, options)
    })
}

async function check(target: ConnectTarget, options: CheckOptions): Promise<number> {
  const { username, pw, require: required = [], quick, json } = options
  const password = pw === undefined ? undefined : Buffer.from(pw)
  await using visit = new Visit(withTls(target, options), { username, password })
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
  const latencyMs = await latencyOf(visit)
  await print(
    json === true
      ? `${JSON.stringify({ connectMs, latencyMs, limits, findings })}\n`
      : told(findings, required, limits, latencyMs),
  )
  const lacks = findings.filter(({ probe, found }) => required.includes(probe) && !found)
  return lacks.length === 0 ? 0 : 1
}

function told(
  findings: readonly Finding[],
  required: readonly ProbeName[],
  limits: Readonly<Record<string, number>>,
  latencyMs: number,
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
    ["", "round trip", `${latencyMs.toFixed(2)} ms at QoS 1`],
  ])
}

function withTls(target: ConnectTarget, { cafile, insecure }: CheckOptions): ConnectTarget {
  if (target.scheme !== "tls" && target.scheme !== "wss") return target
  return {
    ...target,
    tls: { ...(cafile === undefined ? {} : { caFile: cafile }), insecure: insecure === true },
  }
}

function names(text: string): readonly ProbeName[] {
  return text.split(",").map((word) => {
    const name = probeNames.find((each) => each === word.trim())
    if (name === undefined) throw new InvalidArgumentError(`It must name some of ${probeNames.join(", ")}.`)
    return name
  })
}
