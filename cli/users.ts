import { randomBytes } from "node:crypto"
import { Command } from "commander"
import { accessRuleText, readAccessRule, whoText } from "../src/security/access/access-rule.ts"
import { hashPassword, kindOfHash } from "../src/security/authentication/password.ts"
import { makeScramCredentials } from "../src/security/authentication/scram.ts"
import { newUser } from "../src/security/user.ts"
import type { AdministrativeChange, StoredUser } from "../src/storage/account-store.ts"
import {
  type Accounts,
  changeAccounts,
  checkName,
  complainOfRulesLeft,
  rulesAbout,
  storedRuleJson,
  withAccounts,
} from "./accounts.ts"
import { collect, type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, complain, print, shellWord, table } from "./output.ts"
import { askPassword, readPassword } from "./password-input.ts"
import {
  saysWhatChanges,
  type UserOptions,
  userWith,
  withUndoingOptions,
  withUserOptions,
} from "./user-options.ts"

interface PasswordOptions extends UserOptions {
  readonly passwordStdin?: true
  readonly generate?: true
  readonly scram?: true
}

interface AddOptions extends PasswordOptions {
  /** False: --no-password. */
  readonly password: boolean
  readonly disabled?: true
  readonly allow?: readonly string[]
}

const examples = `
Examples:
  bantam user add alice --allow 'home/#'           asks for a password, and lets alice do what is below home/
  bantam user add pump-1 --generate --client-id pump-1 --attribute site=north
  bantam user set alice --group family --max-connections 3
  bantam user passwd alice --password-stdin < secret.txt
  bantam user disable alice                        ends alice's connections too
  bantam user show alice

Whoever is no superuser needs access rules (bantam acl). A broker that serves the same data directory takes each change
over at once, for clients that are connected as well.`

/** bantam user add | set | passwd | remove | list | show | enable | disable */
export function userCommand(): Command {
  const command = new Command("user").description(
    "who may log in: add, set, passwd, remove, list, show, enable, disable",
  )
  withUserOptions(withPasswordOptions(command.command("add <name>").description("add a user")))
    .option("--no-password", "none fits: for who proves himself in another way")
    .option("--disabled", "it may not log in yet")
    .option("--allow <filter>", "let it publish and subscribe there; repeatable", collect)
    .action(add)
  withUndoingOptions(
    withUserOptions(withSettingsOptions(command.command("set <name>").description("change what a user is"))),
  ).action(set)
  withPasswordOptions(command.command("passwd <name>").description("change a user's password")).action(
    changePassword,
  )
  withSettingsOptions(command.command("remove <name>").description("remove a user")).action(remove)
  withSettingsOptions(command.command("list").description("list the users"))
    .option("--json", "one JSON array")
    .action(list)
  withSettingsOptions(command.command("show <name>").description("all about a user, and the rules about it"))
    .option("--json", "one JSON object")
    .action(show)
  for (const enabled of [true, false]) {
    const verb = enabled ? "enable" : "disable"
    withSettingsOptions(command.command(`${verb} <name>`))
      .description(enabled ? "let a user log in again" : "let a user log in no more, and end its connections")
      .action((name: string, options: SettingsOptions) => setEnabled(name, enabled, options))
  }
  return command.addHelpText("afterAll", examples)
}

function withPasswordOptions(command: Command): Command {
  return withSettingsOptions(command)
    .option("--password-stdin", "read the password from standard input, up to its last newline")
    .option("--generate", "make a password and print it")
    .option("--scram", "let it be proven by SCRAM as well, without being told (MQTT 5)")
}

async function add(name: string, options: AddOptions): Promise<void> {
  checkName("user", name)
  const rules = (options.allow ?? []).map((filter) => {
    const rule = readAccessRule(["allow", whoText({ kind: "user", name }), "both", filter])
    if ("problem" in rule) throw new CommandError(`--allow ${filter}: a rule ${rule.problem}`)
    return accessRuleText(rule)
  })
  await withAccounts("users", options, async (accounts, settings) => {
    if ((await accounts.user(name)) !== undefined) throw existsAlready(name)
    const plain = userWith(newUser(name, undefined, Date.now()), options, await accounts.groups())
    const password = options.password ? await newPassword(name, options) : undefined
    const user: StoredUser = {
      ...plain,
      enabled: options.disabled !== true,
      ...(password !== undefined && (await secretsOf(password, options.scram === true))),
    }
    const [added] = await changeAccounts(accounts, settings, [
      { change: { change: "add-user", user }, said: `user ${name} added` },
      ...rules.map((line): AdministrativeChange => {
        return { change: { change: "add-rule", line }, said: `rule added: ${line}` }
      }),
    ])
    if (added !== true) throw existsAlready(name)
    await print(options.generate === true ? `${String(password)}\n` : `user ${name} added\n`)
    const isBound = settings.security.defaultAccess !== "allow" && !user.superuser
    if (isBound && rulesAbout(user, await accounts.accessRules()).length === 0) {
      const who = shellWord(whoText({ kind: "user", name }))
      complain(
        `no access rule is about ${name} yet; \`bantam acl allow ${who} both '#'\` lets it do everything`,
      )
    }
  })
}

async function set(name: string, options: UserOptions): Promise<void> {
  if (!saysWhatChanges(options)) throw new CommandError("say what is to change; see bantam user set --help")
  await withUser(name, options, async (user, accounts, change) => {
    const changed = userWith(user, options, await accounts.groups())
    if (Bun.deepEquals(user, changed)) return print(`user ${name} is so already\n`)
    await change(changed, `user ${name} changed: ${differences(user, changed)}`)
    await print(`user ${name} changed\n`)
  })
}

async function changePassword(name: string, options: PasswordOptions): Promise<void> {
  await withUser(name, options, async (user, _, change) => {
    const password = await newPassword(name, options)
    // Who could use SCRAM before can do so with the new one.
    const secrets = await secretsOf(password, options.scram === true || user.scram.length > 0)
    await change({ ...user, ...secrets, passwordSetAtMs: Date.now() }, `password of ${name} changed`)
    await print(options.generate === true ? `${String(password)}\n` : `password of ${name} changed\n`)
  })
}

async function setEnabled(name: string, enabled: boolean, options: SettingsOptions): Promise<void> {
  const what = `user ${name} ${enabled ? "enabled" : "disabled"}`
  await withUser(name, options, async (user, _, change) => {
    if (user.enabled !== enabled) await change({ ...user, enabled }, what)
    await print(`${what}\n`)
  })
}

async function remove(name: string, options: SettingsOptions): Promise<void> {
  await withAccounts("users", options, async (accounts, settings) => {
    const [removed] = await changeAccounts(accounts, settings, [
      { change: { change: "remove-user", name }, said: `user ${name} removed` },
    ])
    if (removed !== true) throw unknownUser(name)
    await print(`user ${name} removed\n`)
    await complainOfRulesLeft({ kind: "user", name }, accounts)
  })
}

async function list(options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withAccounts("users", options, async (accounts) => {
    const users = await accounts.users()
    if (options.json === true) return print(`${JSON.stringify(users.map(userJson))}\n`)
    const rows = users.map((user) => [
      user.name,
      stateOf(user),
      user.groups.join(" "),
      new Date(user.createdAtMs).toISOString(),
    ])
    await print(table([["NAME", "STATE", "GROUPS", "CREATED"], ...rows]))
  })
}

async function show(name: string, options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withUser(name, options, async (user, accounts) => {
    const rules = rulesAbout(user, await accounts.accessRules())
    if (options.json === true)
      return print(`${JSON.stringify({ ...userJson(user), rules: rules.map(storedRuleJson) })}\n`)
    const { clientId, limits } = user
    const facts = [
      ["user", name],
      ["state", stateOf(user)],
      ["password", kindOfHash(user.passwordHash)],
      ["scram", user.scram.map(({ mechanism }) => mechanism).join(" ") || "none"],
      ["groups", user.groups.join(" ") || "none"],
      ["attributes", attributesText(user) || "none"],
      ["client id", clientId === undefined ? "any" : clientId.text + (clientId.kind === "prefix" ? "…" : "")],
      ["connections", String(limits.connections ?? "any number")],
      ["messages/s", String(limits.messagesPerSecond ?? "any number")],
      ["created", new Date(user.createdAtMs).toISOString()],
    ]
    const lines = facts.map(([fact = "", value = ""]) => `${fact.padEnd(11)}  ${value}\n`).join("")
    const rows = rules.map(({ id, line }) => [String(id), line])
    await print(lines + (rows.length === 0 ? "" : `\n${table([["ID", "RULE"], ...rows])}`))
  })
}

/** Finds the user, and changes it. @throws CommandError there is none of that name */
async function withUser(
  name: string,
  options: SettingsOptions,
  use: (
    user: StoredUser,
    accounts: Accounts,
    change: (user: StoredUser, said: string) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  await withAccounts("users", options, async (accounts, settings) => {
    const user = await accounts.user(name)
    if (user === undefined) throw unknownUser(name)
    await use(user, accounts, async (changed, said) => {
      const change = { change: "change-user", before: user, after: changed } as const
      const [took] = await changeAccounts(accounts, settings, [{ change, said }])
      if (took !== true) throw changedMeanwhile(name)
    })
  })
}

async function newPassword(name: string, options: PasswordOptions): Promise<Uint8Array | string> {
  if (options.generate === true) return randomBytes(18).toString("base64url")
  return options.passwordStdin === true ? readPassword() : askPassword(name)
}

/** What is kept of a password. @throws ScramPasswordError */
async function secretsOf(
  password: Uint8Array | string,
  scram: boolean,
): Promise<Pick<StoredUser, "passwordHash" | "scram">> {
  return {
    passwordHash: await hashPassword(password),
    scram: scram ? await makeScramCredentials(password) : [],
  }
}

function stateOf({ enabled, superuser }: StoredUser): string {
  return [enabled ? "enabled" : "disabled", ...(superuser ? ["superuser"] : [])].join(", ")
}

function attributesText({ attributes }: StoredUser): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(" ")
}

/** What is different, for the audit: no secret is among it. */
function differences(before: StoredUser, after: StoredUser): string {
  const [one, other] = [userJson(before), userJson(after)]
  return Object.keys(other)
    .filter((key) => !Bun.deepEquals(one[key], other[key]))
    .map((key) => `${key}=${JSON.stringify(other[key])}`)
    .join(" ")
}

/** Stable: programs read it. */
function userJson(user: StoredUser): Record<string, unknown> {
  const { name, createdAtMs, enabled, superuser, groups, attributes, clientId, limits } = user
  return {
    name,
    createdAt: new Date(createdAtMs).toISOString(),
    enabled,
    superuser,
    password: kindOfHash(user.passwordHash),
    scram: user.scram.map(({ mechanism }) => mechanism),
    groups,
    attributes,
    clientId: clientId?.kind === "exact" ? clientId.text : null,
    clientIdPrefix: clientId?.kind === "prefix" ? clientId.text : null,
    maxConnections: limits.connections ?? null,
    maxRate: limits.messagesPerSecond ?? null,
  }
}

function existsAlready(name: string): CommandError {
  const word = shellWord(name)
  return new CommandError(
    `user ${name} exists already, and nothing was changed; \`bantam user passwd ${word}\` and \`bantam user set ${word}\` change it`,
  )
}

/** As while a password was being typed: to write down what it was then could bring back who was disabled or removed. */
function changedMeanwhile(name: string): CommandError {
  return new CommandError(
    `user ${name} was changed by somebody else meanwhile, and is left as it is; try again`,
  )
}

function unknownUser(name: string): CommandError {
  return new CommandError(`there is no user ${name}; \`bantam user list\` shows who is there`)
}
