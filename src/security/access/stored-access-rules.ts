import type { Clock, Timer } from "../../foundation/clock.ts"
import type { Log } from "../../foundation/log.ts"
import type { StoredAccessRule } from "../../storage/account-store.ts"
import type { Store } from "../../storage/store.ts"
import { type AccessRule, parseAccessRule } from "./access-rule.ts"
import type { AccessRules } from "./access-rules.ts"
import { followAccounts, UnreadableAccounts } from "../followed-accounts.ts"

/** A rule in the store says what nobody can read: to go on without it might open what it was to close. */
export class AccessRuleError extends UnreadableAccounts {
  constructor(id: number, problem: string) {
    super(`access rule ${id} ${problem}; take it away with \`bantam acl remove ${id}\``)
    this.name = "AccessRuleError"
  }
}

/** A stored rule, read. */
export interface NumberedRule extends StoredAccessRule {
  readonly rule: AccessRule
}

/** @throws AccessRuleError */
export function readStoredRule({ id, line }: StoredAccessRule): NumberedRule {
  const rule = parseAccessRule(line)
  if ("problem" in rule) throw new AccessRuleError(id, rule.problem)
  return { id, line, rule }
}

/**
 * Fills the rules from the store, and again whenever they change there. What cannot be read then leaves the rules as
 * they were, and is tried again.
 *
 * @param tell takes them with their numbers, whenever they are read
 * @returns what ends it
 * @throws AccessRuleError, StoreError when they cannot be read the first time
 */
export async function followStoredRules(
  store: Pick<Store, "accounts" | "onAccountsChanged">,
  rules: AccessRules,
  clock: Clock,
  log: Log,
  tell: (rules: readonly NumberedRule[]) => void = () => {},
): Promise<Timer> {
  // Of ten thousand rules a change leaves nearly all as they were, and to read them all takes 20 ms.
  let known = new Map<string, AccessRule>()
  let hadUsers = false
  const load = async (): Promise<number | undefined> => {
    const stored = await store.accounts.accessRules()
    const hasUsers = (await store.accounts.countUsers()) > 0
    const areSame = stored.length === known.size && stored.every(({ line }) => known.has(line))
    const read = stored.map((each): NumberedRule => {
      const rule = known.get(each.line)
      return rule === undefined ? readStoredRule(each) : { ...each, rule }
    })
    // One that was taken away and added again has another number.
    tell(read)
    if (areSame && hasUsers === hadUsers) return undefined
    rules.replace(
      read.map(({ rule }) => rule),
      hasUsers,
    )
    known = new Map(read.map(({ line, rule }) => [line, rule]))
    hadUsers = hasUsers
    return areSame ? undefined : stored.length
  }
  let isFirst = true
  return followAccounts(store, "the access rules", clock, log, async () => {
    const count = await load()
    if (count !== undefined && !isFirst) log.info("the access rules have changed", { rules: count })
    isFirst = false
  })
}
