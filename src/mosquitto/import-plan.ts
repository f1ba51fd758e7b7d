import type { StoredUser } from "../storage/account-store.ts"
import { hashPassword } from "../security/authentication/password.ts"
import { newUser } from "../security/user.ts"
import { defaultTopicLimits } from "../protocol/topic.ts"
import { type PlannedRules, rulesOfAclFile } from "./acl-rules.ts"
import { accessOfDynamicSecurity, type PlannedAccess } from "./dynamic-rules.ts"
import { lastOf } from "./configuration.ts"
import type { DynamicClient } from "./dynamic-security.ts"
import type { Installation } from "./installation.ts"
import { hashKinds, isAccountName, type SavedPassword } from "./password-file.ts"
import type { PlannedSession, StatePlan } from "./planned-state.ts"
import { type Problem, someOf } from "./problem.ts"
import { ruleLine } from "./rule-lines.ts"
import { planSettings } from "./settings-plan.ts"
import { planState } from "./state-plan.ts"
import type { PlannedSetting } from "./toml.ts"

/** How the password of a user is kept. */
export const userKinds = [...hashKinds, "plain", "none"] as const
export type UserKind = (typeof userKinds)[number]

/** All that an import will do, worked out before it does anything. */
export interface ImportPlan {
  readonly users: readonly StoredUser[]
  readonly usersByKind: Readonly<Record<UserKind, number>>
  readonly groups: readonly string[]
  readonly rules: PlannedRules
  readonly state: Pick<StatePlan, "sessions" | "retained">
  readonly settings: readonly PlannedSetting[]
  /** What is not carried over as it was. */
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
}

export interface ImportTerms {
  readonly nowMs: number
  /** Whose the sessions are that a database names no user for. */
  readonly sessionUser: string | undefined
}

export async function planImport(installation: Installation, terms: ImportTerms): Promise<ImportPlan> {
  const { configuration, acl, dynamic, state } = installation
  const problems: Problem[] = [...installation.problems]
  const notes: string[] = []
  const access = dynamic === undefined ? undefined : accessOfDynamicSecurity(dynamic.security, dynamic.file)
  const rules = access ?? (acl === undefined ? everythingAllowed() : rulesOfAclFile(acl.entries, acl.file))
  const source = access !== undefined ? "dynamic security" : acl !== undefined ? "ACL file" : "nothing"
  if (source === "dynamic security") {
    notes.push(
      "dynamic security grants a SUBSCRIBE of which a part is denied, and leaves that out; Bantam refuses it with 0x87 (0x80 " +
        "before MQTT 5)",
    )
  }
  if (acl === undefined && access === undefined && installation.users.length === 0) {
    notes.push(
      "without a password file Mosquitto lets in any user name; Bantam lets in those that it knows, and clients without one",
    )
  }
  problems.push(...rules.problems)
  const settings = planSettings(configuration, source)
  problems.push(...settings.problems)
  const users = await planUsers(installation, access, terms.nowMs, problems, notes)
  const planned: StatePlan =
    state === undefined
      ? { sessions: [], retained: [], problems: [], notes: [] }
      : planState(state.saved, {
          file: state.file,
          isBridge: bridgeSessions(configuration.bridges),
          ...terms,
        })
  problems.push(...planned.problems)
  // Who shows a certificate needs no account.
  if (state !== undefined && !settings.settings.some(({ key }) => key === "certificate.identity")) {
    const names = new Set(users.map(({ user }) => user.name))
    problems.push(...ownerless(planned.sessions, names, state.file))
  }
  return {
    users: users.map(({ user }) => user),
    usersByKind: countByKind(users),
    groups: access?.groups ?? [],
    rules,
    state: planned,
    settings: [...settings.settings, ...topicLevels(planned)],
    problems,
    notes: [...notes, ...planned.notes, ...settings.notes],
  }
}

interface PlannedUser {
  readonly user: StoredUser
  readonly kind: UserKind
}

async function planUsers(
  { users, dynamic }: Installation,
  access: PlannedAccess | undefined,
  nowMs: number,
  problems: Problem[],
  notes: string[],
): Promise<readonly PlannedUser[]> {
  const planned = new Map<string, PlannedUser>()
  let plain = 0
  for (const { name, password } of users) {
    if (password.kind === "plain") plain += 1
    planned.set(name, { user: newUser(name, await hashOf(password), nowMs), kind: password.kind })
  }
  if (plain > 0) notes.push(`${plain} passwords stood there in plain text and are hashed with argon2id`)
  if (dynamic === undefined) return [...planned.values()]
  for (const client of dynamic.security.clients) {
    const say = (what: string) => problems.push({ file: dynamic.file, line: undefined, what })
    if (!isAccountName(client.name)) {
      say(`the user name ${JSON.stringify(client.name)} cannot be one and is left out`)
      continue
    }
    if (planned.has(client.name))
      say(`client ${client.name} stands in the password file too; it is taken from here`)
    if (client.password === undefined) say(`client ${client.name} has no password, so no password fits`)
    planned.set(client.name, {
      user: await dynamicUser(client, access?.memberships.get(client.name) ?? [], nowMs),
      kind: client.password?.kind ?? "none",
    })
  }
  return [...planned.values()]
}

async function dynamicUser(
  client: DynamicClient,
  groups: readonly string[],
  nowMs: number,
): Promise<StoredUser> {
  const { name, password, enabled, clientId, textName, textDescription } = client
  const hash = password === undefined ? undefined : await hashOf(password)
  return {
    ...newUser(name, hash, nowMs),
    enabled,
    groups,
    clientId: clientId === undefined ? undefined : { kind: "exact", text: clientId },
    attributes: {
      ...(textName === "" ? {} : { textname: textName }),
      ...(textDescription === "" ? {} : { textdescription: textDescription }),
    },
  }
}

async function hashOf(password: SavedPassword): Promise<string> {
  return password.kind === "plain" ? hashPassword(password.text) : password.hash
}

/** Without any ACL everybody may do everything, and read what the broker says of itself. */
function everythingAllowed(): PlannedRules {
  const line = ruleLine({
    effect: "allow",
    who: { kind: "everyone" },
    action: "subscribe",
    topic: "$SYS/#",
    literal: false,
    fills: false,
  })
  return { lines: typeof line === "string" ? [line] : [], denies: 0, patterns: 0, problems: [] }
}

/** What Mosquitto calls the sessions of its bridges: unless told, after the host, or of late the other way round. */
function bridgeSessions(bridges: Installation["configuration"]["bridges"]): (clientId: string) => boolean {
  const told = new Set<string>()
  const names: string[] = []
  for (const { at, options } of bridges) {
    const remote = lastOf(options, "remote_clientid") ?? lastOf(options, "clientid")
    const local = lastOf(options, "local_clientid")
    if (local !== undefined) told.add(local.value)
    else if (remote !== undefined) told.add(`local.${remote.value}`)
    else names.push(at.value)
  }
  return (clientId) =>
    told.has(clientId) ||
    names.some((name) => {
      return (
        clientId.startsWith("local.") &&
        (clientId.endsWith(`.${name}`) || clientId.startsWith(`local.${name}.`))
      )
    })
}

/** Nobody but its own user may resume a session. */
function ownerless(
  sessions: readonly PlannedSession[],
  users: ReadonlySet<string>,
  file: string,
): readonly Problem[] {
  const missing = new Set<string>()
  for (const { record } of sessions) {
    if (record.username !== undefined && !users.has(record.username)) missing.add(record.username)
  }
  if (missing.size === 0) return []
  const what = `sessions belong to users that no file has, ${someOf([...missing])}: add them with \`bantam user add\``
  return [{ file, line: undefined, what }]
}

/** A stored subscription is of no use where nobody may publish so deep: Mosquitto takes 201 levels, whatever is set. */
function topicLevels({ sessions, retained }: StatePlan): readonly PlannedSetting[] {
  let deepest = defaultTopicLimits.maximumLevels
  const see = (text: string) => {
    deepest = Math.max(deepest, text.split("/").length)
  }
  for (const { subscriptions } of sessions) for (const { filter } of subscriptions) see(filter)
  for (const { topic } of retained) see(topic.name)
  if (deepest === defaultTopicLimits.maximumLevels) return []
  const from = "as deep as a subscription or retained message that Mosquitto has"
  return [{ key: "limits.topic_levels", value: deepest, from }]
}

function countByKind(users: readonly PlannedUser[]): Readonly<Record<UserKind, number>> {
  const counts = { sha512: 0, "sha512-pbkdf2": 0, argon2id: 0, plain: 0, none: 0 }
  for (const { kind } of users) counts[kind] += 1
  return counts
}
