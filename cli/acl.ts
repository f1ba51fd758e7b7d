import { Command } from "commander"
import type { Settings } from "../src/config/settings.ts"
import {
  type AccessRule,
  accessRuleText,
  parseAccessRule,
  readAccessRule,
  whoText,
} from "../src/security/access/access-rule.ts"
import { ruleTopicWords } from "../src/security/access/rule-topic.ts"
import { type NumberedRule, readStoredRule } from "../src/security/access/stored-access-rules.ts"
import type { AdministrativeChange } from "../src/storage/account-store.ts"
import { type Accounts, changeAccounts, withAccounts } from "./accounts.ts"
import { addQuestionCommands } from "./acl-questions.ts"
import { meaningfulLines } from "./line-file.ts"
import { type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, complain, print, someOf, table } from "./output.ts"

interface RuleOptions extends SettingsOptions {
  readonly qos?: string
  readonly retain?: boolean
  readonly from?: string
}

const words = `
Who: a user's name, group:NAME, client:ID, anonymous (no user name) or everyone.
Topics: a filter with + and #, where \${username} and \${clientid} stand for the client's own names, \${attr.KEY} for an
attribute of its user and \${cert.cn} for the name in its certificate; or eq and a text that is taken literally. A
subscription is granted where one rule allows all that it can match.
Order: rules about a user or a client go first, then those about its groups or about anonymous, then everyone; deny
before allow among equals. What no rule decides the setting security.default_access does: once there is a user or a
rule, it is refused. $SYS/# needs a rule of its own. No rule binds a superuser. A client identifier is what a client
calls itself: bind users to theirs (bantam user set --client-id) before you rely on it.`

const ruleExamples = (effect: string) => `
Examples:
  bantam acl ${effect} alice both 'home/#'
  bantam acl ${effect} group:family publish 'home/door/+' --from 10.0.0.0/8
  bantam acl ${effect} everyone publish 'devices/\${clientid}/#' --qos 0,1 --no-retain${effect === "deny" ? "\n  bantam acl deny everyone subscribe eq '#'" : ""}

A broker that serves the same data directory takes each change over at once.`

const importExamples = `
Examples:
  bantam acl list --plain > rules.txt && bantam acl import rules.txt --replace
  bantam acl import rules.txt --replace --data try && bantam acl test expectations.txt --data try`

const examples = `${words}

Examples:
  bantam acl allow alice both 'home/#'
  bantam acl deny alice publish 'home/door/+' --from 10.0.0.0/8
  bantam acl allow everyone publish 'devices/\${clientid}/#' --qos 0,1 --no-retain
  bantam acl deny everyone subscribe eq '#'
  bantam acl list --plain > rules.txt && bantam acl import rules.txt --replace
  bantam acl explain alice publish home/door/open
  bantam acl test expectations.txt

A broker that serves the same data directory takes each change over at once.`

/** bantam acl allow | deny | remove | list | import, and the questions. */
export function aclCommand(): Command {
  const command = new Command("acl").description(
    "who may publish and subscribe: allow, deny, remove, list, import, check, explain, test",
  )
  for (const effect of ["allow", "deny"] as const) {
    withSettingsOptions(command.command(`${effect} <who> <action> <filter...>`))
      .description(`${effect} someone to publish, subscribe or both`)
      .option("--qos <list>", "only at these, such as 0,1")
      .option("--retain", "only retained messages; for publish")
      .option("--no-retain", "only messages that are not retained; for publish")
      .option("--from <addresses>", "only from there, such as 10.0.0.0/8")
      .addHelpText("after", `${words}\n${ruleExamples(effect)}`)
      .action((who: string, action: string, filter: readonly string[], options: RuleOptions) => {
        return add([effect, who, action, ...filter, ...conditionWords(options)], options)
      })
  }
  withSettingsOptions(command.command("remove <id...>").description("take rules away, by number"))
    .addHelpText("after", "\nExamples:\n  bantam acl list\n  bantam acl remove 3 4")
    .action(remove)
  withSettingsOptions(command.command("list").description("list the rules"))
    .option("--plain", "the rules alone, one a line, as import reads them")
    .option("--json", "one JSON array")
    .addHelpText("after", "\nExamples:\n  bantam acl list\n  bantam acl list --plain > rules.txt")
    .action(list)
  withSettingsOptions(command.command("import <file>"))
    .description("add the rules of a file, one a line; - reads standard input")
    .option("--replace", "take away those that the file does not have")
    .addHelpText("after", importExamples)
    .action(importFile)
  addQuestionCommands(command)
  return command.addHelpText("after", examples)
}

function conditionWords({ qos, retain, from }: RuleOptions): string[] {
  return [
    ...(qos === undefined ? [] : ["--qos", qos]),
    ...(retain === undefined ? [] : [retain ? "--retain" : "--no-retain"]),
    ...(from === undefined ? [] : ["--from", from]),
  ]
}

async function add(words: readonly string[], options: RuleOptions): Promise<void> {
  const rule = readAccessRule(words)
  if ("problem" in rule) throw new CommandError(`a rule ${rule.problem}; see bantam acl --help`)
  const line = accessRuleText(rule)
  await withAccounts("access rules", options, async (accounts, settings) => {
    const { added } = await change(accounts, settings, [], [line])
    const id = (await accounts.accessRules()).find((each) => each.line === line)?.id
    await print(`rule ${id} ${added === 1 ? "added" : "is there already"}: ${line}\n`)
    await complainOfStrangers([rule], accounts)
  })
}

async function remove(words: readonly string[], options: SettingsOptions): Promise<void> {
  await withAccounts("access rules", options, async (accounts, settings) => {
    const rules = await accounts.accessRules()
    const removed = words.map((word) => {
      const rule = rules.find(({ id }) => String(id) === word)
      if (rule === undefined) {
        throw new CommandError(
          `there is no rule ${word}, and none was removed; \`bantam acl list\` numbers them`,
        )
      }
      return rule
    })
    await change(
      accounts,
      settings,
      removed.map(({ id }) => id),
      [],
    )
    await print(removed.map(({ id, line }) => `rule ${id} removed: ${line}\n`).join(""))
  })
}

async function list(
  options: SettingsOptions & { readonly plain?: true; readonly json?: true },
): Promise<void> {
  await withAccounts("access rules", options, async (accounts) => {
    const rules = await accounts.accessRules()
    if (options.json === true) {
      await print(`${JSON.stringify(rules.map((each) => ruleJson(readStoredRule(each))))}\n`)
    } else if (options.plain === true) {
      await print(rules.map(({ line }) => `${line}\n`).join(""))
    } else {
      await print(table([["ID", "RULE"], ...rules.map(({ id, line }) => [String(id), line])]))
    }
  })
}

async function importFile(
  file: string,
  options: SettingsOptions & { readonly replace?: true },
): Promise<void> {
  const rules = (await meaningfulLines(file)).map(({ text, place }) => {
    const rule = parseAccessRule(text)
    if ("problem" in rule) throw new CommandError(`${place}: a rule ${rule.problem}; nothing was changed`)
    return rule
  })
  await withAccounts("access rules", options, async (accounts, settings) => {
    const wanted = new Set(rules.map(accessRuleText))
    const surplus =
      options.replace === true ? (await accounts.accessRules()).filter(({ line }) => !wanted.has(line)) : []
    const { removed, added } = await change(
      accounts,
      settings,
      surplus.map(({ id }) => id),
      [...wanted],
    )
    const facts = [
      `${added} added`,
      `${wanted.size - added} there already`,
      ...(removed > 0 ? [`${removed} removed`] : []),
    ]
    await print(`rules: ${facts.join(", ")}\n`)
    await complainOfStrangers(rules, accounts)
  })
}

/** No error: a token, a certificate or a service may bring them, and whoever is added later may be meant. */
async function complainOfStrangers(rules: readonly AccessRule[], accounts: Accounts): Promise<void> {
  const [users, groups] = [await accounts.users(), await accounts.groups()].map((named) => {
    return new Set(named.map(({ name }) => name))
  })
  const strangers = new Set(
    rules.flatMap(({ who }) => {
      if (who.kind === "user") return users?.has(who.name) === true ? [] : whoText(who)
      return who.kind !== "group" || groups?.has(who.name) === true ? [] : whoText(who)
    }),
  )
  if (strangers.size === 0) return
  complain(
    `the store has no ${someOf([...strangers])}; rules about it count once it is there, or where a token brings it`,
  )
}

async function change(
  accounts: Accounts,
  settings: Settings,
  remove: readonly number[],
  add: readonly string[],
): Promise<{ readonly removed: number; readonly added: number }> {
  const rules = await accounts.accessRules()
  const changed = await changeAccounts(accounts, settings, [
    ...remove.map((id): AdministrativeChange => {
      const line = rules.find((rule) => rule.id === id)?.line ?? ""
      return { change: { change: "remove-rule", id }, said: `rule ${id} removed: ${line}` }
    }),
    ...add.map((line): AdministrativeChange => {
      return { change: { change: "add-rule", line }, said: `rule added: ${line}` }
    }),
  ])
  return {
    removed: changed.slice(0, remove.length).filter(Boolean).length,
    added: changed.slice(remove.length).filter(Boolean).length,
  }
}

/** Stable: programs read it. */
function ruleJson({ id, line, rule }: NumberedRule): Record<string, unknown> {
  const { effect, who, action, topic, qos, retain, from }: AccessRule = rule
  return {
    id,
    rule: line,
    effect,
    who: whoText(who),
    action,
    topic: ruleTopicWords(topic).at(-1),
    literal: topic.kind === "literal",
    qos: qos ?? null,
    retain: retain ?? null,
    from: from?.text ?? null,
  }
}
