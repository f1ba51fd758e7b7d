import { Command } from "commander"
import { parseAccessRule, whoText } from "../src/security/access/access-rule.ts"
import type { AdministrativeChange } from "../src/storage/account-store.ts"
import { changeAccounts, checkName, complainOfRulesLeft, storedRuleJson, withAccounts } from "./accounts.ts"
import { type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, print, table } from "./output.ts"

const examples = `
Examples:
  bantam group add family
  bantam group join family alice bob
  bantam acl allow group:family both 'home/#'
  bantam group show family`

/** bantam group add | remove | join | leave | list | show */
export function groupCommand(): Command {
  const command = new Command("group").description(
    "users that access rules name together: add, remove, join, leave, list, show",
  )
  withSettingsOptions(command.command("add <name...>").description("make groups")).action(add)
  withSettingsOptions(command.command("remove <name>").description("remove a group; its users stay")).action(
    remove,
  )
  withSettingsOptions(command.command("join <name> <user...>").description("put users into it")).action(
    (name: string, users: readonly string[], options: SettingsOptions) => move(name, users, "join", options),
  )
  withSettingsOptions(command.command("leave <name> <user...>").description("take users out of it")).action(
    (name: string, users: readonly string[], options: SettingsOptions) => move(name, users, "leave", options),
  )
  withSettingsOptions(command.command("list").description("list the groups"))
    .option("--json", "one JSON array")
    .action(list)
  withSettingsOptions(command.command("show <name>").description("its users, and the rules about it"))
    .option("--json", "one JSON object")
    .action(show)
  return command.addHelpText("afterAll", examples)
}

async function add(names: readonly string[], options: SettingsOptions): Promise<void> {
  for (const name of names) checkName("group", name)
  await withAccounts("groups", options, async (accounts, settings) => {
    const createdAtMs = Date.now()
    const added = await changeAccounts(
      accounts,
      settings,
      names.map((name) => ({
        change: { change: "add-group", group: { name, createdAtMs } },
        said: `group ${name} added`,
      })),
    )
    const lines = names.map((name, index) => `group ${name} ${added[index] ? "added" : "is there already"}\n`)
    await print(lines.join(""))
  })
}

async function remove(name: string, options: SettingsOptions): Promise<void> {
  await withAccounts("groups", options, async (accounts, settings) => {
    const [removed] = await changeAccounts(accounts, settings, [
      { change: { change: "remove-group", name }, said: `group ${name} removed` },
    ])
    if (removed !== true) throw unknownGroup(name)
    await print(`group ${name} removed\n`)
    await complainOfRulesLeft({ kind: "group", name }, accounts)
  })
}

async function move(
  name: string,
  users: readonly string[],
  verb: "join" | "leave",
  options: SettingsOptions,
): Promise<void> {
  await withAccounts("groups", options, async (accounts, settings) => {
    if (!(await accounts.groups()).some((group) => group.name === name)) throw unknownGroup(name)
    const wanted = [...new Set(users)]
    const found = await accounts.usersNamed(wanted)
    const missing = wanted.find((user) => !found.some((each) => each.name === user))
    if (missing !== undefined) throw new CommandError(`there is no user ${missing}; nothing was changed`)
    const past = verb === "join" ? "joined" : "left"
    const changes = found.flatMap((user): AdministrativeChange[] => {
      const others = user.groups.filter((group) => group !== name)
      const groups = verb === "join" ? [...others, name].toSorted() : others
      if (groups.length === user.groups.length) return []
      const said = `user ${user.name} ${past} group ${name}`
      return [{ change: { change: "change-user", before: user, after: { ...user, groups } }, said }]
    })
    const took = await changeAccounts(accounts, settings, changes)
    if (took.includes(false)) {
      throw new CommandError(
        "some users were changed by somebody else meanwhile, and left as they are; try again",
      )
    }
    await print(`${changes.length} ${past} group ${name}\n`)
  })
}

async function list(options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withAccounts("groups", options, async (accounts) => {
    const users = await accounts.users()
    const groups = (await accounts.groups()).map(({ name, createdAtMs }) => {
      const members = users.filter((user) => user.groups.includes(name)).map((user) => user.name)
      return { name, createdAt: new Date(createdAtMs).toISOString(), users: members }
    })
    if (options.json === true) return print(`${JSON.stringify(groups)}\n`)
    const rows = groups.map((group) => [group.name, String(group.users.length), group.createdAt])
    await print(table([["NAME", "USERS", "CREATED"], ...rows]))
  })
}

async function show(name: string, options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withAccounts("groups", options, async (accounts) => {
    if (!(await accounts.groups()).some((group) => group.name === name)) throw unknownGroup(name)
    const users = (await accounts.users())
      .filter((user) => user.groups.includes(name))
      .map((user) => user.name)
    const who = whoText({ kind: "group", name })
    const rules = (await accounts.accessRules()).filter(({ line }) => {
      const rule = parseAccessRule(line)
      return !("problem" in rule) && whoText(rule.who) === who
    })
    if (options.json === true)
      return print(`${JSON.stringify({ name, users, rules: rules.map(storedRuleJson) })}\n`)
    const rows = rules.map(({ id, line }) => [String(id), line])
    await print(
      `group  ${name}\nusers  ${users.join(" ") || "none"}\n` +
        (rows.length === 0 ? "" : `\n${table([["ID", "RULE"], ...rows])}`),
    )
  })
}

function unknownGroup(name: string): CommandError {
  return new CommandError(`there is no group ${name}; \`bantam group list\` shows those there are`)
}
