import type { AclType, DynamicSecurity, Role, RoleAcl } from "./dynamic-security.ts"
import { commonFilter, filterCovers, filtersMeet } from "./filter-relations.ts"
import type { Problem } from "./problem.ts"
import { ruleTopicText } from "./rule-lines.ts"

/** What a question is about; each kind has an order of its own. */
type Kind = "send" | "receive" | "subscribe"

/** One rule that a role comes to, and the ACLs it stands for. */
export interface Step {
  readonly role: string
  readonly effect: "allow" | "deny"
  readonly action: "publish" | "subscribe"
  /** As Mosquitto writes it. */
  readonly topic: string
  readonly literal: boolean
  /** Of the ACL that it comes from, by kind of question: which is asked first. */
  readonly places: Readonly<Partial<Record<Kind, number>>>
  /** Of the ACL, for people: `deny publishClientSend a/b`. */
  readonly text: string
}

const kinds = {
  publishClientSend: "send",
  publishClientReceive: "receive",
  subscribeLiteral: "subscribe",
  subscribePattern: "subscribe",
  unsubscribeLiteral: undefined,
  unsubscribePattern: undefined,
} as const satisfies Record<AclType, Kind | undefined>

interface Placed extends RoleAcl {
  readonly place: number
}

/**
 * What the roles come to. Bantam has one right to subscribe and to receive, where Mosquitto has two: a role grants it
 * for topics that it lets subscribe to and receive from as well, or that the default lets.
 */
export function stepsOfRoles(
  security: DynamicSecurity,
  file: string,
): { readonly steps: ReadonlyMap<string, readonly Step[]>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const say = (what: string) => problems.push({ file, line: undefined, what })
  const steps = new Map<string, readonly Step[]>()
  const acls = security.roles.flatMap((role) => role.acls)
  const denies = (kind: Kind) => acls.filter((acl) => !acl.allow && kinds[acl.type] === kind)
  const { receive, subscribe } = security.defaults
  const asks = {
    receive,
    subscribe,
    receiveDenies: denies("receive").map(({ topic }) => topic),
    receiveMatters: !receive || denies("receive").length > 0,
    subscribeMatters: !subscribe || denies("subscribe").length > 0,
  }
  let controls = 0
  for (const role of security.roles) {
    const kept = role.acls.filter(({ topic }) => !/^\$CONTROL(\/|$)/.test(topic))
    controls += role.acls.length - kept.length
    if (!role.allowsWildcards)
      say(`role ${role.name}: allowwildcardsubs is false, but its subscriptions may have wildcards in Bantam`)
    for (const { type, allow, topic } of kept) {
      if (kinds[type] === undefined && !allow)
        say(`role ${role.name}: deny ${type} ${topic} is left out: everybody may unsubscribe`)
    }
    steps.set(role.name, withoutDeadDenies(stepsOfRole({ ...role, acls: kept }, asks, say)))
  }
  if (controls > 0) {
    say(
      `${controls} ACLs about $CONTROL are left out: users, groups and rules are managed with \`bantam user\` and ` +
        "`bantam acl`",
    )
  }
  return { steps, problems }
}

interface Asks {
  /** The defaults. */
  readonly receive: boolean
  readonly subscribe: boolean
  readonly receiveDenies: readonly string[]
  /** ACLs of this kind change anything. */
  readonly receiveMatters: boolean
  readonly subscribeMatters: boolean
}

function stepsOfRole(role: Role, asks: Asks, say: (what: string) => void): readonly Step[] {
  const placed: Placed[] = role.acls.map((acl, index) => {
    // Within a role a literal one is looked for before all patterns.
    return { ...acl, place: acl.type === "subscribeLiteral" ? index - role.acls.length : index }
  })
  const made: Step[] = []
  const add = (step: Omit<Step, "role">) => made.push({ role: role.name, ...step })
  for (const acl of placed) {
    const kind = kinds[acl.type]
    if (kind === undefined || (kind !== "send" && acl.allow)) continue
    add({
      effect: acl.allow ? "allow" : "deny",
      action: kind === "send" ? "publish" : "subscribe",
      topic: acl.topic,
      literal: acl.type === "subscribeLiteral" && /[+#]/.test(acl.topic),
      places: { [kind]: acl.place },
      text: textOf(acl),
    })
  }
  const subscribing = placed.filter((acl) => acl.allow && kinds[acl.type] === "subscribe")
  const receiving = placed.filter((acl) => acl.allow && kinds[acl.type] === "receive")
  const grant = (acl: Placed, topic: string, places: Step["places"]) => {
    const literal = acl.type === "subscribeLiteral" && topic === acl.topic
    add({ effect: "allow", action: "subscribe", topic, literal, places, text: textOf(acl) })
  }
  if (asks.receive && asks.subscribeMatters) {
    for (const acl of subscribing) grant(acl, acl.topic, { subscribe: acl.place })
  }
  if (asks.subscribe && asks.receiveMatters) {
    for (const acl of receiving) grant(acl, acl.topic, { receive: acl.place })
  }
  if (asks.receiveMatters && asks.subscribeMatters) {
    for (const acl of subscribing) {
      for (const other of receiving) {
        const topic = commonFilter(acl.topic, other.topic)
        if (topic !== undefined) grant(acl, topic, { subscribe: acl.place, receive: other.place })
      }
      if (!asks.receive && !isCovered(acl, receiving))
        say(`role ${role.name}: ${textOf(acl)} counts only for what the role lets receive as well`)
    }
    for (const acl of receiving) {
      // By default it can be received anyhow, unless this one was to go before a deny.
      const isNeeded = !asks.receive || asks.receiveDenies.some((topic) => filtersMeet(topic, acl.topic))
      if (isNeeded && !asks.subscribe && !isCovered(acl, subscribing))
        say(`role ${role.name}: ${textOf(acl)} counts only for what the role lets subscribe to as well`)
    }
  }
  return made.toSorted((one, other) => firstPlace(one) - firstPlace(other))
}

function isCovered({ topic }: RoleAcl, others: readonly RoleAcl[]): boolean {
  return others.some((other) => filterCovers(filledOf(other.topic), filledOf(topic)))
}

/** A deny that an allow of the same role always forestalls never decides anything. */
function withoutDeadDenies(steps: readonly Step[]): readonly Step[] {
  return steps.filter(
    (step) =>
      step.effect === "allow" ||
      !steps.some((other) => forestalls(other, step, 0) && coversWholly(other, step)),
  )
}

/**
 * Whether the allow is asked before the deny about something that both are about: then it goes first in Mosquitto, and
 * last in Bantam where both have the same rank.
 *
 * @param offset how much later the deny's role is asked
 */
export function forestalls(allow: Step, deny: Step, offset: number): boolean {
  if (!isMetBy(allow, deny)) return false
  const kind = (["send", "receive", "subscribe"] as const).find((each) => deny.places[each] !== undefined)
  const first = kind === undefined ? undefined : allow.places[kind]
  return kind !== undefined && first !== undefined && first < (deny.places[kind] ?? 0) + offset
}

/** Whether it is an allow and a deny, and some question is about both. */
export function isMetBy(allow: Step, deny: Step): boolean {
  if (allow.effect !== "allow" || deny.effect !== "deny" || allow.action !== deny.action) return false
  if (allow.literal && deny.literal) return allow.topic === deny.topic
  return filtersMeet(filledOf(allow.topic), filledOf(deny.topic))
}

function coversWholly(allow: Step, deny: Step): boolean {
  if (allow.literal !== deny.literal) return false
  return allow.literal
    ? allow.topic === deny.topic
    : filterCovers(filledOf(allow.topic), filledOf(deny.topic))
}

function filledOf(topic: string): string {
  return ruleTopicText(topic, true) ?? topic
}

function firstPlace({ places }: Step): number {
  return Math.min(...Object.values(places))
}

function textOf({ allow, type, topic }: RoleAcl): string {
  return `${allow ? "allow" : "deny"} ${type} ${topic}`
}
