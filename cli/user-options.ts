import type { Command } from "commander"
import { parseAttribute } from "../src/security/attribute.ts"
import type { StoredGroup, StoredUser } from "../src/storage/account-store.ts"
import { collect, type SettingsOptions, wholeNumber } from "./options.ts"
import { CommandError, shellWord } from "./output.ts"

/** What a user can be told to be. */
export interface UserOptions extends SettingsOptions {
  readonly superuser?: boolean
  readonly group?: readonly string[]
  readonly leave?: readonly string[]
  readonly attribute?: readonly string[]
  readonly removeAttribute?: readonly string[]
  readonly clientId?: string
  readonly clientIdPrefix?: string
  readonly anyClientId?: true
  readonly maxConnections?: number
  readonly maxRate?: number
}

/** Adds what a user may be from its first day on. */
export function withUserOptions(command: Command): Command {
  return command
    .option("--superuser", "no access rule binds it")
    .option("-g, --group <name>", "put it into a group; repeatable", collect)
    .option("-a, --attribute <key=value>", "text, a number, true or false; repeatable", collect)
    .option("--client-id <id>", "the only client identifier it may have")
    .option("--client-id-prefix <text>", "how its client identifiers must begin")
    .option("--max-connections <count>", "at a time; 0 for no limit", wholeNumber(0, 1_000_000))
    .option(
      "--max-rate <count>",
      "messages a second, beyond which it is slowed; 0 for no limit",
      wholeNumber(0, 1_000_000),
    )
}

/** Adds what undoes them. */
export function withUndoingOptions(command: Command): Command {
  return command
    .option("--no-superuser", "access rules bind it")
    .option("--leave <group>", "take it out of a group; repeatable", collect)
    .option("--remove-attribute <key>", "repeatable", collect)
    .option("--any-client-id", "it may have any client identifier")
}

/** False when there is nothing but where to look for the user. */
export function saysWhatChanges(options: UserOptions): boolean {
  return Object.keys(options).some((key) => !["config", "data", "set"].includes(key))
}

/**
 * The user as the options want it.
 *
 * @param groups all there are
 * @throws CommandError
 */
export function userWith(user: StoredUser, options: UserOptions, groups: readonly StoredGroup[]): StoredUser {
  const { connections, messagesPerSecond } = user.limits
  return {
    ...user,
    superuser: options.superuser ?? user.superuser,
    groups: groupsOf(user.groups, options, groups),
    attributes: attributesOf(user.attributes, options),
    clientId: clientIdOf(user.clientId, options),
    limits: {
      connections: limitOf(connections, options.maxConnections),
      messagesPerSecond: limitOf(messagesPerSecond, options.maxRate),
    },
  }
}

function groupsOf(
  before: StoredUser["groups"],
  { group: join = [], leave = [] }: UserOptions,
  groups: readonly StoredGroup[],
): StoredUser["groups"] {
  for (const name of join) {
    if (groups.some((group) => group.name === name)) continue
    throw new CommandError(`there is no group ${name}; make it with \`bantam group add ${shellWord(name)}\``)
  }
  return [...new Set([...before, ...join])].filter((name) => !leave.includes(name)).toSorted()
}

function attributesOf(
  before: StoredUser["attributes"],
  { attribute: set = [], removeAttribute: remove = [] }: UserOptions,
): StoredUser["attributes"] {
  const kept = Object.entries(before).filter(([key]) => !remove.includes(key))
  const given = set.map((text) => {
    const attribute = parseAttribute(text)
    if (attribute !== undefined) return attribute
    throw new CommandError(`--attribute ${text}: write KEY=VALUE, the key of letters, digits, - and _`)
  })
  return Object.fromEntries([...kept, ...given])
}

function clientIdOf(before: StoredUser["clientId"], options: UserOptions): StoredUser["clientId"] {
  const { clientId, clientIdPrefix, anyClientId } = options
  const given = [clientId, clientIdPrefix, anyClientId].filter((each) => each !== undefined)
  if (given.length > 1) {
    throw new CommandError("--client-id, --client-id-prefix and --any-client-id exclude each other")
  }
  if (clientId === "" || clientIdPrefix === "") throw new CommandError("a client identifier is not empty")
  if (clientId !== undefined) return { kind: "exact", text: clientId }
  if (clientIdPrefix !== undefined) return { kind: "prefix", text: clientIdPrefix }
  return anyClientId === true ? undefined : before
}

function limitOf(before: number | undefined, given: number | undefined): number | undefined {
  if (given === undefined) return before
  return given === 0 ? undefined : given
}
