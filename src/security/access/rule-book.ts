import { hasWildcard } from "../../protocol/topic.ts"
import { type AccessRule, type Who, whoText } from "./access-rule.ts"
import type { Identity } from "../identity.ts"
import { bitsOf, readingOnly, Rights, subscribingOnly, type WideSubscriptions } from "./rights.ts"
import { RightsTree } from "./rights-tree.ts"
import { fillTemplate, hasAllValues } from "./rule-topic.ts"

/** What becomes of what no rule decides. auto: allowed as long as there is neither user nor rule, and denied from then on. */
export const defaultAccesses = ["auto", "allow", "deny"] as const
export type DefaultAccess = (typeof defaultAccesses)[number]

/** A rule did not hold for a client because of what that client calls itself. */
export type UnusableListener = (rule: AccessRule, identity: Identity) => void

/**
 * All access rules, sorted by whom they are about. What one client needs of them is compiled when it first asks: of ten
 * thousand rules for a thousand users a client meets its ten.
 */
export class RuleBook {
  /** False while everything is allowed, so that nobody need ask. */
  readonly limits: boolean
  readonly #shelves = new Map<string, Shelf>()
  readonly #otherwise: boolean
  readonly #wide: WideSubscriptions

  /** @param isInUse there are users or rules */
  constructor(
    rules: readonly AccessRule[],
    defaultAccess: DefaultAccess,
    isInUse = rules.length > 0,
    wide: WideSubscriptions = "refuse",
  ) {
    this.#wide = wide
    this.#otherwise = isAllowedByDefault(isInUse, defaultAccess)
    this.limits = rules.length > 0 || !this.#otherwise
    for (const rule of rules) {
      const key = whoText(rule.who)
      let shelf = this.#shelves.get(key)
      if (shelf === undefined) this.#shelves.set(key, (shelf = new Shelf()))
      shelf.add(rule)
    }
  }

  /** @param onUnusable hears of rules whose placeholders this client makes useless */
  rightsOf(identity: Identity, onUnusable: UnusableListener): Rights {
    const shelves = whosOf(identity).map((whos) =>
      whos.flatMap((who) => this.#shelves.get(whoText(who)) ?? []),
    )
    if (identity.rules !== undefined) shelves.unshift([shelfWith(identity.rules)])
    const ranks = shelves
      .map((rank) => rank.flatMap((shelf) => shelf.treesFor(identity, onUnusable)))
      .filter((trees) => trees.length > 0)
    return new Rights(ranks, this.#otherwise && identity.rules === undefined, this.#wide)
  }
}

/** @param isInUse there are users or rules */
export function isAllowedByDefault(isInUse: boolean, defaultAccess: DefaultAccess): boolean {
  return defaultAccess === "allow" || (defaultAccess === "auto" && !isInUse)
}

/** As whom a client is meant by rules; those that are about it in particular go first. */
export function whosOf({ username, clientId, groups }: Identity): readonly (readonly Who[])[] {
  const client: Who = { kind: "client", clientId }
  const everyone: Who = { kind: "everyone" }
  if (username === undefined) return [[client], [{ kind: "anonymous" }], [everyone]]
  const inGroups = groups.map((name): Who => ({ kind: "group", name }))
  return [[{ kind: "user", name: username }, client], inGroups, [everyone]]
}

export function isSameWho(one: Who, other: Who): boolean {
  return whoText(one) === whoText(other)
}

/** Puts the rule where it is found. @returns false when it does not hold for this client because of its names */
export function putRule(tree: RightsTree, rule: AccessRule, identity: Identity): boolean {
  const bits = bitsOf(rule)
  const { topic } = rule
  switch (topic.kind) {
    case "filter":
      tree.put(topic.filter, bits)
      return true
    case "template": {
      const filter = fillTemplate(topic.text, identity)
      if (filter !== undefined) tree.put(filter, bits)
      return filter !== undefined
    }
    case "literal":
      if (hasWildcard(topic.filter)) {
        tree.putLiteral(topic.filter, subscribingOnly(bits))
        tree.put(topic.filter, readingOnly(bits))
      } else {
        tree.put(topic.filter, bits)
      }
      return true
  }
}

/** A rule about the certificate's name, say, is nothing to complain of where a client shows no certificate. */
function isMeantFor({ topic }: AccessRule, identity: Identity): boolean {
  return topic.kind !== "template" || hasAllValues(topic.text, identity)
}

/** Whether the rule holds where the client connects from. */
export function holdsFrom({ effect, from }: AccessRule, { remoteAddress }: Identity): boolean {
  if (from === undefined) return true
  return remoteAddress === undefined ? effect === "deny" : from.contains(remoteAddress)
}

/** The rules about one user, client, or kind of client. */
class Shelf {
  /** The same for whoever comes. */
  readonly #general: AccessRule[] = []
  /** Depend on the client's address or names. */
  readonly #particular: AccessRule[] = []
  #tree: RightsTree | undefined

  add(rule: AccessRule): void {
    const isGeneral = rule.from === undefined && rule.topic.kind !== "template"
    if (isGeneral) this.#general.push(rule)
    else this.#particular.push(rule)
  }

  treesFor(identity: Identity, onUnusable: UnusableListener): readonly RightsTree[] {
    const trees: RightsTree[] = []
    if (this.#general.length > 0) trees.push((this.#tree ??= this.#compile(identity)))
    const particular = this.#particular.filter((rule) => holdsFrom(rule, identity))
    if (particular.length > 0) {
      const tree = new RightsTree()
      for (const rule of particular) {
        if (!putRule(tree, rule, identity) && isMeantFor(rule, identity)) onUnusable(rule, identity)
      }
      trees.push(tree)
    }
    return trees
  }

  #compile(identity: Identity): RightsTree {
    const tree = new RightsTree()
    for (const rule of this.#general) putRule(tree, rule, identity)
    return tree
  }
}

function shelfWith(rules: readonly AccessRule[]): Shelf {
  const shelf = new Shelf()
  for (const rule of rules) shelf.add(rule)
  return shelf
}
