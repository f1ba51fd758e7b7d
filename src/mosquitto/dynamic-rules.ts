import type { Who } from "../security/access/access-rule.ts"
import type { PlannedRules } from "./acl-rules.ts"
import type { DynamicSecurity } from "./dynamic-security.ts"
import type { Problem } from "./problem.ts"
import { forestalls, isMetBy, type Step, stepsOfRoles } from "./role-steps.ts"
import { ruleLine } from "./rule-lines.ts"

/** Groups, who is in which of them, and the rules about them. */
export interface PlannedAccess extends PlannedRules {
  readonly groups: readonly string[]
  /** By user. */
  readonly memberships: ReadonlyMap<string, readonly string[]>
}

/**
 * Turns roles into groups with rules. A group of Mosquitto's has the rules of its roles, and a role that a client has
 * itself becomes a group too.
 *
 * Mosquitto asks roles and ACLs by their priority, and the first that fits decides; Bantam asks rules about the user, then
 * those about its groups, and deny goes before allow. Where an allow that would go first stands against a deny, it is
 * written for the user as well, if that gives the same decisions, and reported if nothing does.
 */
export function accessOfDynamicSecurity(security: DynamicSecurity, file: string): PlannedAccess {
  const { steps, problems: found } = stepsOfRoles(security, file)
  const writer = new RuleWriter(file)
  writer.problems.push(...found)
  const groupOfRole = roleGroups(security)
  const rolesOfGroup = new Map(security.groups.map(({ name, roles }) => [name, roles]))
  for (const { name, roles } of security.groups) {
    for (const role of roles) {
      const ofRole = steps.get(role)
      if (ofRole === undefined) writer.say(`group ${name} has the role ${role}, which is not there`)
      else writer.writeAll(ofRole, { kind: "group", name })
    }
  }
  for (const [role, name] of groupOfRole) writer.writeAll(steps.get(role) ?? [], { kind: "group", name })
  const memberships = new Map<string, readonly string[]>()
  for (const client of security.clients) {
    const named = [...client.roles, ...client.groups.flatMap((group) => rolesOfGroup.get(group) ?? [])]
    const chain = named.map((role) => steps.get(role) ?? [])
    for (const role of client.roles) {
      if (!steps.has(role)) writer.say(`client ${client.name} has the role ${role}, which is not there`)
    }
    writer.writeFirst(chain, { kind: "user", name: client.name })
    const ofRoles = client.roles.flatMap((role) => groupOfRole.get(role) ?? [])
    const ofGroups = client.groups.filter((group) => rolesOfGroup.has(group))
    memberships.set(client.name, [...new Set([...ofRoles, ...ofGroups])].toSorted())
  }
  if (security.anonymousGroup !== undefined) {
    const chain = (rolesOfGroup.get(security.anonymousGroup) ?? []).map((role) => steps.get(role) ?? [])
    for (const ofRole of chain) writer.writeAll(ofRole, { kind: "anonymous" })
    writer.reportConflicts(chain.flatMap(placedLater), "clients without a user name")
  }
  writer.writeDefaults(security.defaults)
  return {
    ...writer.planned(),
    groups: [...new Set([...rolesOfGroup.keys(), ...groupOfRole.values()])],
    memberships,
  }
}

/** The groups of roles that clients have themselves, or that nobody has, by role. */
function roleGroups({ roles, groups, clients }: DynamicSecurity): ReadonlyMap<string, string> {
  const byClients = new Set(clients.flatMap((client) => client.roles))
  const byGroups = new Set(groups.flatMap((group) => group.roles))
  const taken = new Set(groups.map(({ name }) => name))
  const named = new Map<string, string>()
  for (const { name: role } of roles) {
    if (byGroups.has(role) && !byClients.has(role)) continue
    let name = role
    while (taken.has(name)) name = `role-${name}`
    taken.add(name)
    named.set(role, name)
  }
  return named
}

/** A step with how much later than the first role its own is asked. */
interface Later {
  readonly step: Step
  readonly offset: number
}

/** More than the ACLs of any role, in both directions. */
const placesOfRole = 1_000_000

function placedLater(steps: readonly Step[], index: number): readonly Later[] {
  return steps.map((step) => ({ step, offset: index * placesOfRole }))
}

class RuleWriter {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #lines = new Set<string>()
  readonly #said = new Set<string>()
  #denies = 0
  #patterns = 0

  constructor(file: string) {
    this.#file = file
  }

  say(what: string): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.problems.push({ file: this.#file, line: undefined, what })
  }

  writeAll(steps: readonly Step[], who: Who): void {
    for (const step of steps) this.#write(step, who)
  }

  /**
   * Writes for the user as many steps of its chain as must go before the rules of its groups, so that within neither of
   * both a deny overrules what Mosquitto asks first, and no allow goes before a deny that it must not.
   */
  writeFirst(chain: readonly (readonly Step[])[], who: Who & { readonly kind: "user" }): void {
    const all = chain.flatMap(placedLater)
    const conflicts = conflictsIn(all)
    const bound = conflicts.length === 0 ? [] : pairsIn(all, ({ step }, deny) => isMetBy(step, deny.step))
    const overruled = bound.filter(
      (pair) => !conflicts.some((each) => each[0] === pair[0] && each[1] === pair[1]),
    )
    let best = { count: 0, left: conflicts }
    for (let count = 1; count <= all.length && best.left.length > 0; count++) {
      if (overruled.some(([allow, deny]) => allow < count && deny >= count)) continue
      const left = conflicts.filter(([allow, deny]) => allow < count === deny < count)
      if (left.length < best.left.length) best = { count, left }
    }
    this.writeAll(
      all.slice(0, best.count).map(({ step }) => step),
      who,
    )
    this.#report(all, best.left, `client ${who.name}`)
  }

  reportConflicts(all: readonly Later[], whose: string): void {
    this.#report(all, conflictsIn(all), whose)
  }

  writeDefaults({ send, receive, subscribe, unsubscribe }: DynamicSecurity["defaults"]): void {
    const who: Who = { kind: "everyone" }
    const shared = {
      role: "",
      effect: "allow",
      literal: false,
      places: {},
      text: "defaultACLAccess",
    } as const
    if (send) this.#write({ ...shared, action: "publish", topic: "#" }, who)
    if (subscribe && receive) {
      this.#write({ ...shared, action: "subscribe", topic: "#" }, who)
      this.#write({ ...shared, action: "subscribe", topic: "$SYS/#" }, who)
    }
    if (!unsubscribe)
      this.say("defaultACLAccess.unsubscribe is false, but everybody may unsubscribe in Bantam")
  }

  planned(): PlannedRules {
    return {
      lines: [...this.#lines],
      denies: this.#denies,
      patterns: this.#patterns,
      problems: this.problems,
    }
  }

  #report(all: readonly Later[], conflicts: readonly Conflict[], whose: string): void {
    for (const [allowAt, denyAt] of conflicts) {
      const allow = all[allowAt]?.step
      const deny = all[denyAt]?.step
      if (allow === undefined || deny === undefined) continue
      this.say(
        `role ${deny.role}: ${deny.text} now goes before ${allow.text} of role ${allow.role}, for ${whose}: ` +
          "where both fit it is denied",
      )
    }
  }

  #write(step: Step, who: Who): void {
    const { effect, action, topic, literal } = step
    const line = ruleLine({ effect, who, action, topic, literal, fills: !literal })
    if (typeof line !== "string") {
      this.say(`role ${step.role}: ${step.text} is left out, for its rule ${line.problem}`)
    } else if (!this.#lines.has(line)) {
      this.#lines.add(line)
      if (effect === "deny") this.#denies += 1
      if (!literal && /%[uc]/.test(topic)) this.#patterns += 1
    }
  }
}

/** An allow and a deny, by their numbers in a chain, that Bantam would ask the other way round. */
type Conflict = readonly [allow: number, deny: number]

function conflictsIn(all: readonly Later[]): readonly Conflict[] {
  return pairsIn(all, (allow, deny) => forestalls(allow.step, deny.step, deny.offset - allow.offset))
}

function pairsIn(all: readonly Later[], fits: (allow: Later, deny: Later) => boolean): readonly Conflict[] {
  const allows = [...all.entries()].filter(([, { step }]) => step.effect === "allow")
  const denies = [...all.entries()].filter(([, { step }]) => step.effect === "deny")
  return allows.flatMap(([allowAt, allow]) =>
    denies.flatMap(([denyAt, deny]): Conflict[] => (fits(allow, deny) ? [[allowAt, denyAt]] : [])),
  )
}
