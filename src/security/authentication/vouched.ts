import * as v from "valibot"
import { ReasonCode } from "../../protocol/reason-code.ts"
import type { AccountStore, Attributes } from "../../storage/account-store.ts"
import type { AuthenticationVerdict } from "./authentication.ts"
import { readBroughtRules } from "../access/brought-rules.ts"
import { type Principal, plainPrincipal } from "../identity.ts"
import type { RuleProblem } from "../access/rule-words.ts"

/** What somebody else than we says of a client, unread: a token's claims, or a service's answer. Undefined: nothing. */
export interface Vouching {
  readonly superuser: unknown
  readonly groups: unknown
  readonly attributes: unknown
  /** Undefined: the rules of the store are all that binds it. */
  readonly acl: unknown
  /** When it ceases to hold. */
  readonly expiresAtMs: number
}

const groupNames = v.optional(v.array(v.pipe(v.string(), v.nonEmpty())), [])
const flatAttributes = v.optional(
  v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value)),
    v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  ),
  {},
)
const yesOrNo = v.optional(v.boolean(), false)

/** @returns the client, or what is wrong with what is said of it: "its groups ..." */
export function readVouching(username: string | undefined, said: Vouching): Principal | RuleProblem {
  const superuser = v.safeParse(yesOrNo, said.superuser)
  if (!superuser.success)
    return { problem: "says with something else than true or false whether it is a superuser" }
  const groups = v.safeParse(groupNames, said.groups)
  if (!groups.success) return { problem: "has groups that are no array of names" }
  const attributes = v.safeParse(flatAttributes, said.attributes)
  if (!attributes.success) {
    return { problem: "has attributes that are no object of texts, numbers, true and false" }
  }
  const rules = said.acl === undefined ? undefined : readBroughtRules(said.acl, username)
  if (rules !== undefined && "problem" in rules)
    return { problem: `has access rules of which one ${rules.problem}` }
  return {
    ...plainPrincipal(username),
    superuser: superuser.output,
    groups: [...new Set(groups.output)].toSorted(),
    attributes: attributes.output satisfies Attributes,
    rules,
    expiresAtMs: said.expiresAtMs,
  }
}

/** Whoever is vouched for needs no account; but one of that name that is disabled shuts it out. */
export async function admit(principal: Principal, accounts: AccountStore): Promise<AuthenticationVerdict> {
  const { username } = principal
  const account = username === undefined ? undefined : await accounts.user(username)
  if (account?.enabled === false) return refused("the user is disabled")
  return { verdict: "accept", principal }
}

/** @param why for the log; a stranger need not know */
export function refused(why: string): AuthenticationVerdict {
  return { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why }
}
