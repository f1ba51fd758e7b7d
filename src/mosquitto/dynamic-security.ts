import * as v from "valibot"
import { errorText } from "../foundation/log.ts"
import { isAccountName, parsePassword, type SavedPassword } from "./password-file.ts"
import { MosquittoFileError } from "./problem.ts"

/** The kinds of an ACL of a role. */
export const aclTypes = [
  "publishClientSend",
  "publishClientReceive",
  "subscribeLiteral",
  "subscribePattern",
  "unsubscribeLiteral",
  "unsubscribePattern",
] as const
export type AclType = (typeof aclTypes)[number]

export interface RoleAcl {
  readonly type: AclType
  /** May hold `%u` and `%c`. */
  readonly topic: string
  readonly allow: boolean
}

export interface Role {
  readonly name: string
  /** In the order in which they are asked: by priority, the highest first. */
  readonly acls: readonly RoleAcl[]
  readonly allowsWildcards: boolean
}

export interface DynamicClient {
  readonly name: string
  readonly password: SavedPassword | undefined
  readonly enabled: boolean
  /** The only client identifier it may connect with. */
  readonly clientId: string | undefined
  /** Names of roles, in the order in which they are asked. */
  readonly roles: readonly string[]
  /** Names of groups, in the order in which they are asked. */
  readonly groups: readonly string[]
  readonly textName: string
  readonly textDescription: string
}

export interface DynamicGroup {
  readonly name: string
  /** In the order in which they are asked. */
  readonly roles: readonly string[]
}

/** What a dynamic-security.json says. */
export interface DynamicSecurity {
  readonly defaults: {
    readonly send: boolean
    readonly receive: boolean
    readonly subscribe: boolean
    readonly unsubscribe: boolean
  }
  readonly anonymousGroup: string | undefined
  readonly clients: readonly DynamicClient[]
  readonly groups: readonly DynamicGroup[]
  readonly roles: readonly Role[]
}

const priority = v.optional(v.number(), -1)
const text = v.optional(v.string(), "")
const roleList = v.optional(v.array(v.object({ rolename: v.string(), priority })), [])
const groupList = v.optional(v.array(v.object({ groupname: v.string(), priority })), [])

const schema = v.object({
  defaultACLAccess: v.optional(
    v.object({
      publishClientSend: v.optional(v.boolean(), false),
      publishClientReceive: v.optional(v.boolean(), false),
      subscribe: v.optional(v.boolean(), false),
      unsubscribe: v.optional(v.boolean(), false),
    }),
    {},
  ),
  anonymousGroup: v.optional(v.string()),
  clients: v.optional(
    v.array(
      v.object({
        username: v.string(),
        clientid: v.optional(v.string()),
        textname: text,
        // So `mosquitto_ctrl dynsec init` of 2.0 spells it.
        textName: text,
        textdescription: text,
        disabled: v.optional(v.boolean(), false),
        encoded_password: v.optional(v.string()),
        password: v.optional(v.string()),
        salt: v.optional(v.string()),
        iterations: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
        roles: roleList,
        groups: groupList,
      }),
    ),
    [],
  ),
  groups: v.optional(
    v.array(
      v.object({
        groupname: v.string(),
        roles: roleList,
        clients: v.optional(v.array(v.object({ username: v.string(), priority })), []),
      }),
    ),
    [],
  ),
  roles: v.optional(
    v.array(
      v.object({
        rolename: v.string(),
        allowwildcardsubs: v.optional(v.boolean(), true),
        acls: v.optional(
          v.array(
            v.object({
              acltype: v.picklist(aclTypes),
              topic: v.string(),
              priority: v.optional(v.number(), 0),
              allow: v.boolean(),
            }),
          ),
          [],
        ),
      }),
    ),
    [],
  ),
})
type Written = v.InferOutput<typeof schema>

/** @throws MosquittoFileError it is no JSON, or says something else than Mosquitto writes there */
export function parseDynamicSecurity(json: string, file: string): DynamicSecurity {
  const checked = v.safeParse(schema, parseJson(json, file))
  if (!checked.success) {
    const [issue] = checked.issues
    const path = issue.path?.map(({ key }) => String(key)).join(".") ?? "it"
    throw broken(file, `${path}: ${issue.message}`)
  }
  const { defaultACLAccess, anonymousGroup, clients, groups, roles } = checked.output
  for (const name of [
    ...groups.map(({ groupname }) => groupname),
    ...roles.map(({ rolename }) => rolename),
  ]) {
    if (!isAccountName(name)) throw broken(file, `${JSON.stringify(name)} cannot be the name of a group`)
  }
  return {
    defaults: {
      send: defaultACLAccess.publishClientSend ?? false,
      receive: defaultACLAccess.publishClientReceive ?? false,
      subscribe: defaultACLAccess.subscribe ?? false,
      unsubscribe: defaultACLAccess.unsubscribe ?? false,
    },
    anonymousGroup: anonymousGroup === "" ? undefined : anonymousGroup,
    clients: clients.map((client) => readClient(client, groups)),
    groups: groups.map((group) => ({ name: group.groupname, roles: roleNames(group.roles) })),
    roles: roles.map(({ rolename, allowwildcardsubs, acls }) => ({
      name: rolename,
      allowsWildcards: allowwildcardsubs,
      acls: byPriority(acls).map(({ acltype, topic, allow }) => ({ type: acltype, topic, allow })),
    })),
  }
}

function readClient(client: Written["clients"][number], groups: Written["groups"]): DynamicClient {
  // A membership stands with the group, and in some versions with the client as well.
  const memberships = new Map(client.groups.map((each) => [each.groupname, each.priority]))
  for (const { groupname, clients } of groups) {
    const member = clients.find(({ username }) => username === client.username)
    if (member !== undefined) memberships.set(groupname, member.priority)
  }
  const ordered = byPriority([...memberships].map(([name, each]) => ({ name, priority: each })))
  return {
    name: client.username,
    password: readPassword(client),
    enabled: !client.disabled,
    clientId: client.clientid === "" ? undefined : client.clientid,
    roles: roleNames(client.roles),
    groups: ordered.map(({ name }) => name),
    textName: client.textname === "" ? client.textName : client.textname,
    textDescription: client.textdescription,
  }
}

/** 2.0 keeps the parts of a hash, 2.1 the whole. */
function readPassword(client: Written["clients"][number]): SavedPassword | undefined {
  const { encoded_password, password, salt, iterations } = client
  if (encoded_password !== undefined) return hashOnly(parsePassword(encoded_password))
  if (password === undefined || salt === undefined) return undefined
  return hashOnly(parsePassword(`$7$${iterations ?? 101}$${salt}$${password}`))
}

/** Nothing in this file is a password in plain text. */
function hashOnly(password: SavedPassword | undefined): SavedPassword | undefined {
  return password?.kind === "plain" ? undefined : password
}

function roleNames(roles: readonly { readonly rolename: string; readonly priority: number }[]): string[] {
  return byPriority(roles).map(({ rolename }) => rolename)
}

/** The highest first; equals as they stand. */
function byPriority<Entry extends { readonly priority: number }>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((one, other) => other.priority - one.priority)
}

function parseJson(json: string, file: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw broken(file, errorText(error))
  }
}

function broken(file: string, what: string): MosquittoFileError {
  return new MosquittoFileError(
    `${file}: is no dynamic security configuration (${what}); nothing was changed`,
  )
}
