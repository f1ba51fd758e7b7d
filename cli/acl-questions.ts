import type { Command } from "commander"
import { explainAccess, type Explanation } from "../src/security/access/access-explanation.ts"
import {
  type Asking,
  askingText,
  parseExpectation,
  readAsking,
} from "../src/security/access/access-question.ts"
import { principalOf } from "../src/security/identity.ts"
import { type NumberedRule, readStoredRule } from "../src/security/access/stored-access-rules.ts"
import { isInUse, withAccounts } from "./accounts.ts"
import { meaningfulLines } from "./line-file.ts"
import { type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, print, table } from "./output.ts"

interface QuestionOptions extends SettingsOptions {
  readonly qos?: string
  readonly retain?: true
  readonly from?: string
  readonly clientId?: string
  readonly json?: true
}

type Explained = Explanation<NumberedRule>
type Explain = (asking: Asking) => Explained

const expectations = `
The file holds one expectation a line:
  # the kitchen
  alice may publish home/kitchen/set --qos 1
  bob may not subscribe secret/#
  client:sensor-7 may publish devices/sensor-7/state --from 192.0.2.7
  anonymous may not publish anything --retain

Without --from, rules for certain addresses hold only where they deny; without --client-id, \${clientid} is nothing.`

/** Adds check, explain and test: what the rules say, decided as the broker does. */
export function addQuestionCommands(command: Command): void {
  withQuestion(command.command("check <who> <action> <topic>"))
    .description("exit 0 if it is allowed, 1 if not")
    .action(asked(check))
  withQuestion(command.command("explain <who> <action> <topic>"))
    .description("say which rule decides, and which lost to it")
    .action(asked(explain))
  withSettingsOptions(command.command("test <file>"))
    .description(
      "hold the rules against a file of expectations, and fail on a difference; - reads standard input",
    )
    .option("--json", "one JSON object")
    .addHelpText("after", expectations)
    .action(test)
}

function withQuestion(command: Command): Command {
  return withSettingsOptions(command)
    .option("--qos <number>", "0, 1 or 2; 0 unless told")
    .option("--retain", "a retained message")
    .option("--from <address>", "where the client connects from")
    .option("--client-id <id>", "the client's own name")
    .option("--json", "one JSON object")
}

type Answer = (asking: Asking, explained: Explained, json: boolean) => Promise<void>

function asked(answer: Answer) {
  return async (who: string, action: string, topic: string, options: QuestionOptions): Promise<void> => {
    const { qos, retain, from, clientId } = options
    const asking = readAsking([
      who,
      action,
      topic,
      ...(qos === undefined ? [] : ["--qos", qos]),
      ...(retain === undefined ? [] : ["--retain"]),
      ...(from === undefined ? [] : ["--from", from]),
      ...(clientId === undefined ? [] : ["--client-id", clientId]),
    ])
    if ("problem" in asking) throw new CommandError(`the question ${asking.problem}`)
    await withRules(options, (explaining) => answer(asking, explaining(asking), options.json === true))
  }
}

async function withRules(options: SettingsOptions, use: (explain: Explain) => Promise<void>): Promise<void> {
  await withAccounts("access rules", options, async (accounts, { security }) => {
    const rules = (await accounts.accessRules()).map(readStoredRule)
    const users = new Map((await accounts.users()).map((user) => [user.name, principalOf(user)]))
    const inUse = await isInUse(accounts)
    await use(({ identity, question }) => {
      const known = { ...identity, ...users.get(identity.username ?? "") }
      return explainAccess(rules, security.defaultAccess, known, question, inUse)
    })
  })
}

async function check(_: Asking, { allowed }: Explained, json: boolean): Promise<void> {
  await print(json ? `${JSON.stringify({ allowed })}\n` : `${allowed ? "allowed" : "refused"}\n`)
  process.exitCode = allowed ? 0 : 1
}

async function explain(asking: Asking, explained: Explained, json: boolean): Promise<void> {
  if (json) return print(`${JSON.stringify(explainedJson(explained))}\n`)
  const { lost, partly } = explained
  const rows = [
    ...lost.map((rule) => ["lost", ...cellsOf(rule)]),
    ...partly.map((rule) => ["allows a part", ...cellsOf(rule)]),
  ]
  await print(
    `${askingText(asking, explained.allowed ? "may" : "may not")}: ${reasonOf(explained)}\n` +
      (rows.length === 0 ? "" : table([["", "ID", "RULE"], ...rows])),
  )
}

async function test(file: string, options: SettingsOptions & { readonly json?: true }): Promise<void> {
  const lines = (await meaningfulLines(file)).map((line) => {
    const expectation = parseExpectation(line.text)
    if ("problem" in expectation)
      throw new CommandError(`${line.place}: an expectation ${expectation.problem}`)
    return { ...line, expectation }
  })
  await withRules(options, async (explaining) => {
    const different = lines.flatMap(({ text, place, expectation }) => {
      const explained = explaining(expectation)
      return explained.allowed === expectation.allowed ? [] : [{ text, place, explained }]
    })
    if (options.json === true) {
      const differences = different.map(({ text, place, explained }) => {
        return { place, expectation: text, ...explainedJson(explained) }
      })
      await print(`${JSON.stringify({ expectations: lines.length, differences })}\n`)
    } else {
      const told = different.map(({ text, place, explained }) => {
        return `${place}: ${text}: ${explained.allowed ? "is allowed" : "is refused"}, ${reasonOf(explained)}\n`
      })
      const kept = lines.length - different.length
      await print(`${told.join("")}${kept} of ${lines.length} expectations hold\n`)
    }
    process.exitCode = different.length === 0 ? 0 : 1
  })
}

function reasonOf({ allowed, because, decides }: Explained): string {
  if (decides !== undefined) return `rule ${decides.id} decides: ${decides.line}`
  if (because === "ours") return "nobody but the broker publishes under $SYS"
  if (because === "superuser") return "no rule binds a superuser"
  return allowed ? "no rule says anything, and the setting allows it" : "no rule allows it"
}

function cellsOf({ id, line }: NumberedRule): [string, string] {
  return [String(id), line]
}

/** Stable: programs read it. */
function explainedJson({ allowed, because, decides, lost, partly }: Explained): Record<string, unknown> {
  const json = ({ id, line }: NumberedRule) => ({ id, rule: line })
  return {
    allowed,
    because,
    decides: decides === undefined ? null : json(decides),
    lost: lost.map(json),
    partly: partly.map(json),
  }
}
