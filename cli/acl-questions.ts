import type { Command } from "commander"
import type { Identity } from "../src/security/identity.ts"
import { explainAccess, type Explanation } from "../src/security/access/access-explanation.ts"
import {
  type Asking,
  askingText,
  parseExpectation,
  readAsking,
} from "../src/security/access/access-question.ts"
import { mayCallItself } from "../src/security/user.ts"
import type { StoredUser } from "../src/storage/account-store.ts"
import { type NumberedRule, readStoredRule } from "../src/security/access/stored-access-rules.ts"
import { isInUse, storedRuleJson, withAccounts } from "./accounts.ts"
import { meaningfulLines } from "./line-file.ts"
import { collect, type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, complain, print, someOf, table } from "./output.ts"

interface QuestionOptions extends SettingsOptions {
  readonly qos?: string
  readonly retain?: true
  readonly from?: string
  readonly clientId?: string
  readonly group?: readonly string[]
  readonly attribute?: readonly string[]
  readonly certificate?: string
  readonly json?: true
}

type Explained = Explanation<NumberedRule>

/** The rules and users as they are at the moment, to be asked. */
interface Asked {
  explain(asking: Asking): Explained
  /** Of whoever is named, if the store has one of that name. */
  accountOf(asking: Asking): StoredUser | undefined
}

const whatIsKnown = `
What the store says of a user counts: its groups, its attributes, and the client identifier that it is bound to. Who
comes with a token or a certificate may have no user there, or more than that: --group and --attribute add to it.
Without --from, rules for certain addresses hold only where they deny; without --client-id, \${clientid} is nothing, and
without --certificate \${cert.cn} is.`

const questionExamples = (verb: string) => `${whatIsKnown}

Examples:
  bantam acl ${verb} alice publish home/door/open --from 10.1.2.3
  bantam acl ${verb} truck-7 subscribe 'fleet/north/#' --group drivers --attribute site=north
  bantam acl ${verb} anonymous publish devices/pump-1/state --certificate pump-1`

const expectations = `
The file holds one expectation a line:
  # the kitchen
  alice may publish home/kitchen/set --qos 1
  bob may not subscribe secret/#
  client:sensor-7 may publish devices/sensor-7/state --from 192.0.2.7
  truck-7 may subscribe fleet/north/# --group drivers --attribute site=north
  anonymous may not publish anything --retain
${whatIsKnown}

Examples:
  bantam acl test expectations.txt
  bantam acl import rules.txt --replace --data try && bantam acl test expectations.txt --data try

Exit codes:
  0 all hold, 1 one does not, or an error`

/** Adds check, explain and test: what the rules say, decided as the broker does. */
export function addQuestionCommands(command: Command): void {
  withQuestion(command.command("check <who> <action> <topic>"))
    .description("exit 0 if it is allowed, 1 if not, or on an error")
    .addHelpText("after", questionExamples("check"))
    .action(asked(check))
  withQuestion(command.command("explain <who> <action> <topic>"))
    .description("say which rule decides, and which lost to it")
    .addHelpText("after", questionExamples("explain"))
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
    .option("-g, --group <name>", "it is in this group as well; repeatable", collect)
    .option("-a, --attribute <key=value>", "it has this attribute; repeatable", collect)
    .option("--certificate <name>", "the common name in the certificate that it shows")
    .option("--json", "one JSON object")
}

type Answer = (asking: Asking, explained: Explained, json: boolean) => Promise<void>

function asked(answer: Answer) {
  return async (who: string, action: string, topic: string, options: QuestionOptions): Promise<void> => {
    const { qos, retain, from, clientId, group = [], attribute = [], certificate } = options
    const asking = readAsking([
      who,
      action,
      topic,
      ...(qos === undefined ? [] : ["--qos", qos]),
      ...(retain === undefined ? [] : ["--retain"]),
      ...(from === undefined ? [] : ["--from", from]),
      ...(clientId === undefined ? [] : ["--client-id", clientId]),
      ...group.flatMap((name) => ["--group", name]),
      ...attribute.flatMap((text) => ["--attribute", text]),
      ...(certificate === undefined ? [] : ["--certificate", certificate]),
    ])
    if ("problem" in asking) throw new CommandError(`the question ${asking.problem}`)
    await withRules(options, async (rules) => {
      await answer(asking, rules.explain(asking), options.json === true)
      const doubt = doubtAbout(asking, rules.accountOf(asking))
      if (doubt !== undefined) complain(doubt)
    })
  }
}

/** What may make the answer another one than somebody expects, though the rules are as they are. */
function doubtAbout({ identity }: Asking, account: StoredUser | undefined): string | undefined {
  const { username, clientId } = identity
  if (username === undefined) return undefined
  if (account === undefined && isToldMore(identity)) return undefined
  if (account === undefined)
    return `there is no user ${username}, so nothing but the name and the options counts`
  if (!account.enabled) return `user ${username} is disabled and not let in, whatever the rules say`
  if (clientId === "" || mayCallItself(account.clientId, clientId)) return undefined
  return `user ${username} is not let in as ${clientId}: it is bound to ${account.clientId?.text}`
}

async function withRules(options: SettingsOptions, use: (asked: Asked) => Promise<void>): Promise<void> {
  await withAccounts("access rules", options, async (accounts, { security }) => {
    const rules = (await accounts.accessRules()).map(readStoredRule)
    const users = new Map((await accounts.users()).map((user) => [user.name, user]))
    const inUse = await isInUse(accounts)
    const accountOf = ({ identity }: Asking) => users.get(identity.username ?? "")
    await use({
      accountOf,
      explain(asking) {
        const identity = asIn(accountOf(asking), asking.identity)
        const { defaultAccess, wideSubscriptions } = security
        return explainAccess(rules, defaultAccess, identity, asking.question, inUse, wideSubscriptions)
      },
    })
  })
}

/** What is said of somebody in the question adds to what the store says. */
function asIn(account: StoredUser | undefined, asked: Identity): Identity {
  if (account === undefined) return asked
  const { superuser, groups, attributes, clientId: binding } = account
  return {
    ...asked,
    superuser,
    groups: [...groups, ...asked.groups],
    attributes: { ...attributes, ...asked.attributes },
    clientId: asked.clientId === "" && binding?.kind === "exact" ? binding.text : asked.clientId,
  }
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
    ...partly.map((rule) => [
      rule.rule.effect === "allow" ? "allows a part" : "denies a part",
      ...cellsOf(rule),
    ]),
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
  if (lines.length === 0)
    throw new CommandError(
      `${file === "-" ? "standard input" : file} holds no expectation; see bantam acl test --help`,
    )
  await withRules(options, async (rules) => {
    const different = lines.flatMap(({ text, place, expectation }) => {
      const explained = rules.explain(expectation)
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
    const strangers = new Set(
      lines
        .filter(({ expectation }) => rules.accountOf(expectation) === undefined)
        .flatMap(({ expectation: { identity } }) => (isToldMore(identity) ? [] : (identity.username ?? []))),
    )
    if (strangers.size > 0)
      complain(`the store has no ${someOf([...strangers])}; nothing but their names counts`)
  })
}

/** Than a name, as of somebody who needs no user in the store. */
function isToldMore({ groups, attributes, certificateName }: Identity): boolean {
  return groups.length > 0 || Object.keys(attributes).length > 0 || certificateName !== undefined
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
  return {
    allowed,
    because,
    decides: decides === undefined ? null : storedRuleJson(decides),
    lost: lost.map(storedRuleJson),
    partly: partly.map(storedRuleJson),
  }
}
